"""What :class:`kdiqa.data.crops.Crops` does to an image, as ONNX, for policies without a draw."""

from onnx import ModelProto, helper, inliner
from onnxscript import FLOAT, INT64, UINT8, OnnxFunction, optimizer, script
from onnxscript import opset18 as op

from kdiqa.data.crops import Crops
from kdiqa.export.resize import DOUBLE, INTEGER, resized

# mypy: disable-error-code="no-any-return,operator,index,valid-type,no-untyped-def"
IR_VERSION = 10
STATIC = ("full", "center", "five", "ten", "grid")


@script(default_opset=op)
def rounded(value: FLOAT) -> INT64:
    """Returns whole numbers, halves to the even one, as Python rounds."""
    return op.Cast(op.Round(value), to=INTEGER)


@script(default_opset=op)
def double(value: INT64) -> FLOAT:
    """Returns numbers as float64."""
    return op.Cast(value, to=DOUBLE)


@script(default_opset=op)
def enlarged(image: UINT8, size: INT64, short: INT64) -> FLOAT:
    """Returns images whose short side is ``short`` (0: as it is) and at least ``size``."""
    shape = op.Shape(image)
    tall, wide = op.Gather(shape, 1), op.Gather(shape, 2)
    least = op.Min(tall, wide)
    target = op.Max(op.Where(short > 0, short, least), size)
    height = op.Max(target, rounded(double(tall * target) / double(least)))
    width = op.Max(target, rounded(double(wide * target) / double(least)))
    same = target == least
    return resized(image, op.Where(same, tall, height), op.Where(same, wide, width))


@script(default_opset=op)
def cut(levels: FLOAT, tops: INT64, lefts: INT64, size: INT64, mirrored: INT64) -> FLOAT:
    """Returns squares :math:`(N, P, 3, S, S)` of images :math:`(N, 3, H, W)`."""
    shape = op.Shape(levels)
    wide = op.Gather(shape, 3)
    steps = op.Unsqueeze(op.Range(0, size, 1), [0])
    rows, columns = op.Unsqueeze(tops, [1]) + steps, op.Unsqueeze(lefts, [1]) + steps
    columns = op.Where(mirrored > 0, wide - 1 - columns, columns)
    indices = op.Unsqueeze(rows, [2]) * wide + op.Unsqueeze(columns, [1])
    flat = op.Reshape(levels, op.Concat(op.Gather(shape, [0, 1]), [-1], axis=0))
    return op.Transpose(op.Gather(flat, indices, axis=2), perm=[0, 2, 1, 3, 4])


@script(default_opset=op)
def room(levels: FLOAT, size: INT64) -> tuple[INT64, INT64]:
    """Returns the last row and column at which a square may begin, each :math:`(1,)`."""
    shape = op.Shape(levels)
    return op.Gather(shape, [2]) - size, op.Gather(shape, [3]) - size


@script(default_opset=op)
def quincunx(levels: FLOAT, size: INT64) -> tuple[INT64, INT64]:
    """Returns the corners of the squares in the corners and in the middle."""
    bottom, right = room(levels, size)
    zero = bottom - bottom
    tops = op.Concat(zero, zero, bottom, bottom, rounded(double(bottom) / double(2)), axis=0)
    lefts = op.Concat(zero, right, zero, right, rounded(double(right) / double(2)), axis=0)
    return tops, lefts


@script(default_opset=op)
def spread(levels: FLOAT, size: INT64, num: INT64) -> tuple[INT64, INT64]:
    """Returns the corners of ``num`` squares in rows as even as can be."""
    bottom, right = room(levels, size)
    columns = rounded(op.Sqrt(double(num * (right + 1)) / double(bottom + 1)))
    columns = op.Min(op.Max(columns, 1), num)
    rows = (num + columns - 1) / columns
    few = num / rows
    longer = num - few * rows  # rows that hold one square more
    index = op.Range(0, num, 1)
    later = index - longer * (few + 1)
    first = later < 0
    row = op.Where(first, index / (few + 1), longer + later / few)
    column = op.Where(first, index - row * (few + 1), later - (row - longer) * few)
    count = op.Where(first, few + 1, few)
    tops = op.Where(
        rows == 1, bottom / 2, rounded(double(row * bottom) / double(op.Max(rows - 1, 1)))
    )
    lefts = op.Where(
        count == 1, right / 2, rounded(double(column * right) / double(op.Max(count - 1, 1)))
    )
    return tops, lefts


def preprocessing(crops: Crops, channels_first: bool = False) -> ModelProto:
    """Returns the graph from images, uint8, to their crops in whole grey levels.

    Args:
        crops: Of one of the :data:`STATIC` modes.
        channels_first: Takes :math:`(N, 3, H, W)` in place of :math:`(N, H, W, 3)`.
    """
    size = int(crops.size or 0)
    model = policies(size, crops.num, crops.resize or 0)[crops.mode].to_model_proto(
        ir_version=IR_VERSION,
        input_types=[UINT8["batch", "height", "width", 3]],
        output_types=[FLOAT["batch", crops.num, 3, size, size]],
    )
    rename(model, model.graph.output[0].name, "crops")
    flat = inliner.inline_local_functions(first(model) if channels_first else model)
    return optimizer.optimize(flat)


def policies(size: int, num: int, short: int) -> dict[str, OnnxFunction]:
    """Returns the functions from an image to its crops, by mode."""

    @script(default_opset=op)
    def full(image: UINT8) -> FLOAT:
        return op.Unsqueeze(resized(image, size, size), [1])

    @script(default_opset=op)
    def five(image: UINT8) -> FLOAT:
        levels = enlarged(image, size, short)
        tops, lefts = quincunx(levels, size)
        return cut(levels, tops, lefts, size, 0)

    @script(default_opset=op)
    def ten(image: UINT8) -> FLOAT:
        levels = enlarged(image, size, short)
        tops, lefts = quincunx(levels, size)
        plain = cut(levels, tops, lefts, size, 0)
        return op.Concat(plain, cut(levels, tops, lefts, size, 1), axis=1)

    @script(default_opset=op)
    def grid(image: UINT8) -> FLOAT:
        levels = enlarged(image, size, short)
        tops, lefts = spread(levels, size, num)
        return cut(levels, tops, lefts, size, 0)

    # The middle is a grid of one.
    return {"full": full, "center": grid, "five": five, "ten": ten, "grid": grid}


def first(model: ModelProto) -> ModelProto:
    """Returns the graph with its input's channels before its rows."""
    given = model.graph.input[0]
    turned = helper.make_node("Transpose", ["image"], ["channels_last"], perm=[0, 2, 3, 1])
    for node in model.graph.node:
        node.input[:] = ["channels_last" if name == given.name else name for name in node.input]
    model.graph.node.insert(0, turned)
    given.CopyFrom(
        helper.make_tensor_value_info(
            "image", given.type.tensor_type.elem_type, ["batch", 3, "height", "width"]
        )
    )
    return model


def rename(model: ModelProto, old: str, new: str) -> None:
    """Gives a value of a graph another name, inside branches too."""
    graphs = [model.graph]
    for value in (*model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name
    while graphs:
        for node in graphs.pop().node:
            node.input[:] = [new if name == old else name for name in node.input]
            node.output[:] = [new if name == old else name for name in node.output]
            graphs += [part.g for part in node.attribute if part.HasField("g")]
