"""Smaller files: weights in float16, or a net in INT8."""

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime import quantization as ort

Image = NDArray[np.float32]
LARGEST = float(np.finfo(np.float16).max)
SMALL = 16  # values of a tensor that is not worth a cast


def half(net: onnx.ModelProto) -> onnx.ModelProto:
    """Returns a net whose weights are stored in float16 and widened when it is loaded.

    Arithmetic stays float32: processors have few float16 kernels, and none is needed for half the
    size. Weights that float16 cannot hold stay as they are.
    """
    model = onnx.ModelProto()
    model.CopyFrom(net)
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < SMALL or np.abs(values).max() > LARGEST:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(
            onnx.helper.make_node("Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


class Shown(ort.CalibrationDataReader):
    """Gives the quantiser the crops of some images, each :math:`(1, P, 3, S, S)` in [0, 255]."""

    def __init__(self, crops: Iterable[Image]) -> None:
        self.crops = iter(crops)

    def get_next(self) -> dict[str, Image] | None:
        """Returns the next image's crops, None after the last."""
        crops = next(self.crops, None)
        return None if crops is None else {"crops": crops}


def int8(net: onnx.ModelProto, crops: Iterable[Image]) -> onnx.ModelProto:
    """Returns a net in INT8: activations calibrated on some images' crops, weights per channel."""
    done = "pre-processing before quantization"  # which onnxruntime advises all the same
    logging.getLogger().addFilter(lambda record: done not in str(record.msg))
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (str(Path(folder, f"{name}.onnx")) for name in ("a", "b", "c"))
        onnx.save(net, plain)
        ort.quant_pre_process(plain, ready, skip_symbolic_shape=True)
        ort.quantize_static(
            ready,
            small,
            Shown(crops),
            quant_format=ort.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Gemm"],
            per_channel=True,
            activation_type=ort.QuantType.QUInt8,
            weight_type=ort.QuantType.QInt8,
            reduce_range=True,  # 7 bits: without VNNI, sums of 8-bit products overflow on x86
        )
        model = onnx.load(small)
    model.ir_version = net.ir_version
    return model
