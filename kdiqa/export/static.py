"""Which predictors fit into one graph: those that see the image alone, and draw nothing."""

from kdiqa.data.crops import Crops
from kdiqa.export.crops import STATIC
from kdiqa.scorer.predictor import Predictor


def check(predictor: Predictor, path: str) -> None:
    """Raises ``ValueError`` with what to do, unless a predictor's whole path can be a graph."""
    other = [name for name in predictor.pair if name != "image"]
    if other and predictor.bank is None:
        raise ValueError(
            f"'{path}' compares an image with its '{other[0]}' image, which is made outside any"
            " graph (kdiqa.distortions) or read from a folder. Export a student that sees the"
            " image alone: train one with second=alone (or second=none) and, to keep what this"
            f" one knows, teacher={path}."
        )
    crops = predictor.views.crops
    if len(crops.compose) and crops.mode != "random":
        raise ValueError(
            f"'{path}' flips or transforms its test crops by a draw. Set data.test_crops.flip=false"
            " and data.test_crops.transforms=[] and evaluate it so, before it is exported."
        )
    if crops.size is None:
        raise ValueError(
            f"'{path}' sees whole images in their own size (test_crops=full), and pools each"
            " size by another rule. Evaluate it at one size: data.test_crops.size=384."
        )
    if crops.mode not in STATIC:
        drawn = crops.mode == "random"
        why = "at places drawn from its pixels" if drawn else "as many times as its tiles are"
        raise ValueError(
            f"'{path}' sees an image {why} (test_crops={crops.mode}), which no graph can. Add"
            f" --grid {crops.num if drawn else 9}: so many crops, spread evenly; the command then"
            " reports what that changes."
        )


def with_grid(predictor: Predictor, num: int, path: str) -> Predictor:
    """Returns a predictor that sees ``num`` crops spread evenly, and is the same in all else.

    Raises:
        ValueError: If the net's weights are made for another number, or it sees no crops.
    """
    old = predictor.views.crops
    if old.size is None or num < 1:
        raise ValueError(
            f"--grid {num} makes no crops: '{path}' has crops of {old.size or 'no'} pixels. Give"
            " --grid at least 1, and a run whose crops have a size."
        )
    net = predictor.net
    if getattr(net, "crop_fusion", "mean") == "cat" and num != net.num_crops:
        raise ValueError(
            f"'{path}' was built for {net.num_crops} crops an image: its weights depend on their"
            f" number. Give --grid {net.num_crops}."
        )
    views = predictor.views.with_crops(Crops(num, old.size, "grid", old.resize))
    name = f"{predictor.digest} grid {num}"
    return Predictor(net, views, predictor.pair, predictor.label, name, predictor.bank)
