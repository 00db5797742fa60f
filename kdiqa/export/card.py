"""The model card of an export: the facts of checkpoint, run and data set, and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import OmegaConf

from kdiqa import __version__
from kdiqa.config.buildable import PAIRS, READERS
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.reading import mapping_of
from kdiqa.data.boxes import COUNTS
from kdiqa.metrics.correlation import of_constant
from kdiqa.report.grid import Grid
from kdiqa.report.results import results_of
from kdiqa.report.tables import CONSTANT
from kdiqa.scorer.predictor import Predictor

METRICS = {"srcc": "SRCC", "plcc": "PLCC", "krcc": "KRCC", "rmse": "RMSE", "n": "images"}


def card(
    checkpoint: Checkpoint, predictor: Predictor, table: Grid, images: str, licence: str | None
) -> str:
    """Returns the card, Markdown.

    Args:
        checkpoint: Of the student.
        predictor: What was exported.
        table: One row a file: how far its scores are from the student's.
        images: A description of what the files were compared on.
        licence: Of the weights, as the user states it.
    """
    config: Any = OmegaConf.to_container(checkpoint.config, resolve=False)
    parts = [
        f"# {config.get('name', 'student')}: no-reference image quality, ONNX",
        f"Model `{predictor.digest}`, exported by kdiqa {__version__}.",
        "## Use",
        *use(predictor),
        "## Data",
        *data(config),
        "## Licence of the weights",
        *weights(checkpoint, predictor, licence),
        "## Protocol",
        *protocol(config, checkpoint.description),
        "## Numbers",
        *numbers(checkpoint.folder),
        f"The files, against the student in PyTorch, on {images}:",
        table.markdown(),
        "## Limits",
        *limits(config, predictor, images),
    ]
    return "\n\n".join(parts) + "\n"


def use(predictor: Predictor) -> list[str]:
    """Returns what goes in and what comes out."""
    label, crops = predictor.label, predictor.views.crops
    shrunk = f" of the image at a short side of {crops.resize}" if crops.resize else ""
    seen = {
        "full": f"the whole image, squeezed into {crops.size} pixels square",
        "center": f"the middle {crops.size} pixels square{shrunk}",
        "five": f"five squares of {crops.size} pixels, the corners and the middle{shrunk}",
        "ten": f"five squares of {crops.size} pixels and the same mirrored{shrunk}",
        "grid": f"{crops.num} squares of {crops.size} pixels, spread evenly{shrunk}",
    }[crops.mode]
    better = "lower" if label.lower_is_better else "higher"
    worst, best = (label.authors(end) for end in (0.0, 1.0))
    return [
        "In: `image`, uint8 RGB, images of one size in a batch, upright. Out: `score`, float32,"
        " nominally in [0, 1] and not clipped, higher is better. Resizing, cropping and"
        " normalisation are inside.",
        f"It sees {seen}. In the units of its data set a score is"
        f" {worst:g} + {best - worst:g} × score, {better} is better.",
    ]


def data(config: Mapping[str, Any]) -> list[str]:
    """Returns what the student learnt from, by the facts of its data set."""
    target = str(config["data"].get("_target_", ""))
    if not target:  # a bundled student, whose own card has it
        return ["Its file names no data set: `kdiqa predict --card` says what it learnt from."]
    if target not in READERS or target in PAIRS:
        return [f"Read by `{target}`, of which nothing is on record."]
    kind: Any = get_class(target)
    facts_line = [f"**{getattr(kind, 'name', kind.__name__)}**"]
    facts = getattr(kind, "facts", None)
    if facts:
        facts_line.append(f"{facts.images} images as published")
    if getattr(kind, "homepage", ""):
        facts_line.append(str(kind.homepage))
    terms = getattr(kind, "licence", "") or "not on record"
    lines = [f"{', '.join(facts_line)}. Terms: {terms}. No image of it is in the files."]
    share = config["data"].get("fraction", 1)
    if share not in (None, 1, 1.0):
        lines.append(f"Of its training images a share of {share} was used.")
    if (config.get("callbacks") or {}).get("distillation"):
        lines.append(
            "It also learnt from a teacher, which has its own data"
            f" (experiment `{config.get('teacher_experiment', '?')}`)."
        )
    return lines


def weights(checkpoint: Checkpoint, predictor: Predictor, licence: str | None) -> list[str]:
    """Returns where the weights come from and under what terms they are."""
    net = mapping_of(checkpoint.description["net"], "net")
    backbone = net.get("backbone") or {}
    source, name = str(backbone.get("weights", "")), backbone.get("name", "")
    if source == "random":
        began = "it began with random weights"
    elif source in ("hub", "package"):
        terms = getattr(predictor.net.backbone.trunk, "pretrained_cfg", {}).get("license")
        began = (
            f"it began with {'timm' if source == 'hub' else 'a package'}'s pretrained weights"
            f" (licence by timm: {terms or 'not stated'})"
        )
    else:
        began = (
            f"it began with the file `{Path(source.replace('}', '')).name}`, whose licence stands"
            " where that came from"
        )
    stated = f"Stated by who exported it: {licence}." if licence else (
        "Nobody stated one at export (`--licence TEXT`): the terms of the data and of the backbone"
        " are what is known."
    )  # fmt: skip
    count = sum(parameter.numel() for parameter in predictor.net.parameters())
    return [
        f"`{str(net['_target_']).rsplit('.', 1)[-1]}` on `{name}`, {count:,} parameters; {began}.",
        stated,
    ]


def protocol(config: Mapping[str, Any], description: Mapping[str, Any]) -> list[str]:
    """Returns how it was trained and evaluated."""
    node, crops = config["data"], config["data"].get("test_crops") or {}
    count = COUNTS.get(str(crops.get("mode")), crops.get("num"))
    rows = {
        "split": description.get("split"),
        "seed": description.get("seed"),
        "checkpoint chosen on": node.get("select_on", "val"),
        "test crops of the run": f"{crops.get('mode')}, {count} of {crops.get('size')}",
        "digest of data and split": f"`{description['data'].get('digest', '')[:12]}`",
    }
    return ["\n".join(f"- {name}: {value}" for name, value in rows.items())]


def numbers(folder: Path) -> list[str]:
    """Returns the run's own metrics, of its evaluation in PyTorch."""
    metrics = results_of(folder).get("metrics")
    if not metrics:
        return [
            "No `results.json` lay next to the checkpoint: its run's own numbers are not known."
        ]
    rows = []
    for split, values in metrics.items():
        word = dict.fromkeys(("srcc", "plcc", "krcc"), CONSTANT) if of_constant(values) else {}
        rows.append([split, *(word.get(key) or shown(values.get(key)) for key in METRICS)])
    table = Grid("", list(METRICS.values()), rows)
    return ["Of the run's own evaluation, in PyTorch:", table.markdown()]


def limits(config: Mapping[str, Any], predictor: Predictor, images: str) -> list[str]:
    """Returns what follows from all this for who uses it."""
    size = predictor.views.crops.size
    name = str(config["data"].get("_target_", "the bundled student's data")).rsplit(".", 1)[-1]
    return [
        f"- It predicts the MOS of {name}; on other kinds of images or distortions it was"
        " not measured here.",
        f"- Images with a side below {size} pixels are enlarged first.",
        "- Scores of models that learnt from different data sets do not compare.",
        f"- INT8 and float16 were compared on {images} and on nothing else.",
    ]


def shown(value: float | None) -> str:
    """Returns a metric as a table shows it."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4f}"
