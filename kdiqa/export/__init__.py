"""A student as one ONNX file that takes images of any size and needs no torch."""
