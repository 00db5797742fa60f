"""The resize of :mod:`kdiqa.data.crops`, as ONNX: OpenCV's area and linear kernels, to the bit of uint8.

ONNX's own ``Resize`` has neither: its ``antialias`` is a triangle, OpenCV's area a box, and OpenCV's
linear kernel rounds to a quarter of a grey level on its way.
"""

from onnxscript import BOOL, FLOAT, INT64, UINT8, script
from onnxscript import opset18 as op

# mypy: disable-error-code="no-any-return,operator,index"
DOUBLE, SINGLE, INTEGER = 11, 1, 7  # types by ONNX's numbers
ONE_BIT = 2048.0  # OpenCV's fixed point


@script()
def coverage(old: INT64, new: INT64) -> FLOAT:
    """Returns by how much each of ``old`` pixels counts in each of ``new``, rows that sum to 1."""
    scale = op.Cast(old, to=DOUBLE) / op.Cast(new, to=DOUBLE)
    begin = op.Unsqueeze(op.Cast(op.Range(0, new, 1), to=DOUBLE) * scale, [1])
    pixel = op.Unsqueeze(op.Cast(op.Range(0, old, 1), to=DOUBLE), [0])
    one = op.Cast(1.0, to=DOUBLE)
    overlap = op.Min(pixel + one, begin + scale) - op.Max(pixel, begin)
    return op.Cast(op.Max(overlap, op.Cast(0.0, to=DOUBLE)) / scale, to=SINGLE)


@script()
def between(old: INT64, new: INT64, shrinks: BOOL) -> tuple[INT64, FLOAT]:
    """Returns the pixel before each new one, and the share of the next in 1/2048."""
    scale = op.Cast(old, to=DOUBLE) / op.Cast(new, to=DOUBLE)
    position = op.Cast(op.Range(0, new, 1), to=DOUBLE)
    half, one, zero = op.Cast(0.5, to=DOUBLE), op.Cast(1.0, to=DOUBLE), op.Cast(0.0, to=DOUBLE)
    centre = (position + half) * scale - half
    corner = op.Floor(position * scale)
    beyond = position + one - (corner + one) / scale
    inside = op.Where(beyond <= zero, zero, beyond - op.Floor(beyond))
    before = op.Where(shrinks, corner, op.Floor(centre))
    share = op.Where(shrinks, inside, centre - op.Floor(centre))
    last = op.Cast(old - 1, to=DOUBLE)
    share = op.Where(op.Or(before < zero, before >= last), zero, share)
    before = op.Min(op.Max(before, zero), last)
    return op.Cast(before, to=INTEGER), op.Cast(op.Round(share * 2048.0), to=SINGLE)


@script()
def area(image: UINT8, height: INT64, width: INT64) -> FLOAT:
    """Returns each new pixel's mean over what it covers: ``cv2.INTER_AREA`` in both directions."""
    shape = op.Shape(image)
    tall, wide = op.Gather(shape, 1), op.Gather(shape, 2)
    rows = op.Reshape(op.Cast(image, to=SINGLE), op.Concat(op.Gather(shape, [0, 1]), [-1], axis=0))
    shrunk = op.MatMul(coverage(tall, height), rows)
    parts = op.Concat(op.Gather(shape, [0]), op.Reshape(height, [1]), [-1, 3], axis=0)
    planes = op.Transpose(op.Reshape(shrunk, parts), perm=[0, 3, 1, 2])
    level = op.MatMul(planes, op.Transpose(coverage(wide, width), perm=[1, 0]))
    # OpenCV halves by whole numbers, where a half goes up; elsewhere it goes to the even one.
    halves = op.And(tall == 2 * height, wide == 2 * width)
    return op.Where(halves, op.Floor(level + 0.5), op.Round(level))


@script()
def linear(image: UINT8, height: INT64, width: INT64, shrinks: BOOL) -> FLOAT:
    """Returns ``cv2.INTER_LINEAR``, or what ``cv2.INTER_AREA`` does where one side grows."""
    shape = op.Shape(image)
    tall, wide = op.Gather(shape, 1), op.Gather(shape, 2)
    position, share = between(wide, width, shrinks)
    share = op.Unsqueeze(share, [1])
    after = op.Min(position + 1, wide - 1)
    left = op.Cast(op.Gather(image, position, axis=2), to=SINGLE) * (ONE_BIT - share)
    lines = left + op.Cast(op.Gather(image, after, axis=2), to=SINGLE) * share
    position, share = between(tall, height, shrinks)
    share = op.Unsqueeze(share, [1, 2])
    lines = op.Floor(lines / 16.0)
    upper = op.Gather(lines, position, axis=1) * (ONE_BIT - share)
    lower = op.Gather(lines, op.Min(position + 1, tall - 1), axis=1) * share
    quarters = op.Floor(upper / 65536.0) + op.Floor(lower / 65536.0)
    return op.Transpose(op.Clip(op.Floor((quarters + 2.0) / 4.0), 0.0, 255.0), perm=[0, 3, 1, 2])


@script()
def resized(image: UINT8, height: INT64, width: INT64) -> FLOAT:
    """Returns whole grey levels :math:`(N, 3, h, w)` of images :math:`(N, H, W, 3)`."""
    shape = op.Shape(image)
    tall, wide = op.Gather(shape, 1), op.Gather(shape, 2)
    same = op.And(tall == height, wide == width)
    shrinks = height * width < tall * wide
    box = op.And(shrinks, op.And(tall >= height, wide >= width))
    if same:
        levels = op.Cast(op.Transpose(image, perm=[0, 3, 1, 2]), to=SINGLE)
    else:
        if box:  # noqa: SIM108  onnxscript knows no conditional expression
            levels = area(image, height, width)
        else:
            levels = linear(image, height, width, shrinks)
    return levels
