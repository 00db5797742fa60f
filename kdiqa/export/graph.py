"""One ONNX graph of two: from an image to its crops, and from crops to a score."""

import json
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxscript import opset18 as op
from torch import Tensor, nn
from torch.nn import functional

from kdiqa import __version__
from kdiqa.data.scale import Label
from kdiqa.export.crops import IR_VERSION, preprocessing, rename
from kdiqa.models.bank import ReferenceBank
from kdiqa.scorer.predictor import Predictor

OPSET = 18


class CropScore(nn.Module):
    """A scorer's net and scale, from crops to scores, nominally in [0, 1], not clipped.

    Args:
        net: Has a backbone, and maps pyramids to a prediction.
        views: How many pyramids it takes, all of the image.
        label: The scale of its predictions.
        bank: References that it compares with; their features become constants.
    """

    def __init__(
        self, net: nn.Module, views: int, label: Label, bank: ReferenceBank | None = None
    ) -> None:
        super().__init__()
        self.net: Any = net
        self.views, self.label, self.bank = views, label, bank

    def forward(self, crops: Tensor) -> Tensor:
        """Returns the scores :math:`(N,)` of crops :math:`(N, P, 3, S, S)` in [0, 255]."""
        # All crops at once: chunks, whose number depends on the batch, would be one graph each.
        levels = self.net.backbone.pooled(crops.flatten(0, 1))
        pyramid = [level.unflatten(0, (-1, crops.shape[1])) for level in levels]
        if self.bank is not None:
            predicted = self.bank.score(self.net, pyramid)
        else:
            predicted = self.net(*[pyramid] * self.views).score
        return self.label.to_unit(predicted)


def net_graph(predictor: Predictor) -> onnx.ModelProto:
    """Returns the graph from crops :math:`(N, P, 3, S, S)` in [0, 255] to scores, float32.

    Raises:
        ValueError: If torch cannot write this net as ONNX.
    """
    crops = predictor.views.crops
    net = CropScore(predictor.net, len(predictor.pair), predictor.label, predictor.bank).eval()
    example = torch.randint(0, 256, (2, crops.num, 3, crops.size, crops.size)).float()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter's own insides
            program = torch.onnx.export(
                net.to("cpu"),
                (example.to("cpu"),),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=["crops"],
                output_names=["score"],
                dynamic_shapes={"crops": {0: torch.export.Dim("batch")}},
                custom_translation_table={
                    torch.ops.aten._adaptive_avg_pool2d.default: mean_of_cells
                },
            )
    except Exception as error:  # the exporter's errors have no common class
        raise ValueError(
            f"{type(predictor.net).__name__} cannot be written as ONNX: {first_line(error)}. Export a"
            " student whose backbone is a convolutional network (backbone=mobilenetv2_100), or"
            " report the net with this message."
        ) from error
    assert program is not None
    model = stripped(program.model_proto)
    if not model.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        raise ValueError(  # the exporter falls back to the example's number, and tells nobody
            f"{type(predictor.net).__name__} was written for batches of 2 only: something in it takes"
            " the number of images for a constant. Report the net with this message."
        )
    model.ir_version = IR_VERSION
    return model


def mean_of_cells(level: Any, output_size: Sequence[int]) -> Any:
    """Adaptive mean pooling as two products: ONNX has none for grids that do not divide a side."""
    tall, wide = level.shape[-2:]
    rows, columns = cells(int(tall), output_size[0]), cells(int(wide), output_size[1]).T
    before, after = (
        op.Constant(value=onnx.numpy_helper.from_array(np.ascontiguousarray(shares)))
        for shares in (rows, columns)
    )
    return op.MatMul(op.MatMul(before, level), after)


def cells(side: int, grid: int) -> NDArray[np.float32]:
    """Returns the share of each of ``side`` pixels in each of ``grid`` cells, rows that sum to 1.

    Example:
        >>> cells(3, 2)
        array([[0.5, 0.5, 0. ],
               [0. , 0.5, 0.5]], dtype=float32)
    """
    return functional.adaptive_avg_pool1d(torch.eye(side), grid).T.numpy()


def first_line(error: BaseException) -> str:
    """Returns the first line of what lies at the bottom of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def stripped(model: onnx.ModelProto) -> onnx.ModelProto:
    """Returns a model without what the exporter notes of Python: names, lines, files of this disk."""
    graph = model.graph
    del graph.value_info[:]
    values = (*graph.input, *graph.output, *graph.initializer)
    for part in (model, graph, *graph.node, *values):
        part.doc_string = ""
        del part.metadata_props[:]
    return model


def joined(
    net: onnx.ModelProto, predictor: Predictor, channels_first: bool = False
) -> onnx.ModelProto:
    """Returns the graph from images to scores: a predictor's crops, and a net of any precision."""
    before = preprocessing(predictor.views.crops, channels_first)
    before.ir_version = net.ir_version
    model = onnx.compose.merge_models(
        before, onnx.compose.add_prefix(net, "student_"), io_map=[("crops", "student_crops")]
    )
    rename(model, model.graph.input[0].name, "image")
    rename(model, model.graph.output[0].name, "score")
    model.producer_name, model.producer_version = "kdiqa", __version__
    crops = predictor.views.crops
    properties = {
        "kdiqa_version": __version__,
        "model": predictor.digest,
        "crops": f"{crops.mode}, {crops.num} of {crops.size} pixels",
        "label": json.dumps(predictor.label.as_dict()),
    }
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model, full_check=True)
    return model
