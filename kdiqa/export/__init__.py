"""A student as one ONNX file that takes pictures of any size and needs no torch."""
