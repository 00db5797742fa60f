"""From a checkpoint to a predictor; its file is read once."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf

from kdiqa.bundled import WEIGHTS
from kdiqa.config.buildable import PAIRS, Allow
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.crops import Crops
from kdiqa.data.dataset import references_of
from kdiqa.data.pairs.pairing import Pairing, Reference, ReferenceOrRedistorted
from kdiqa.data.pairs.pool import with_banks
from kdiqa.data.scale import Label
from kdiqa.models.bank import ReferenceBank
from kdiqa.models.digest import digest
from kdiqa.scorer.predictor import Predictor
from kdiqa.scorer.views import MAX_PIXELS, SeedBy, Views

P = TypeVar("P", bound=Predictor)
Source = str | Path | Checkpoint | None
"""A checkpoint or its path; a run folder, of which the best one is taken; a packed student
(.safetensors); None for the student that is bundled with this package."""
Pair = Callable[[Checkpoint, str, Mapping[str, Any]], Pairing]


def paired(checkpoint: Checkpoint, name: str, data: Mapping[str, Any]) -> Pairing:
    """Returns what a student compares an image with, from the configuration of its run's data.

    Raises:
        ValueError: If it is a teacher, or compares with what no other image has.
    """
    pairing, path = pairing_of(checkpoint, name, data), checkpoint.path
    if isinstance(pairing, Reference):
        raise ValueError(
            f"'{path}' is a teacher: it compares an image with its pristine reference, which no"
            " other image has.\nGive the run folder of a student; train one with:"
            f" python -m kdiqa.train experiment=akd_demo teacher={path}"
        )
    pairing.check([])
    return pairing


def pairing_of(checkpoint: Checkpoint, name: str, data: Mapping[str, Any]) -> Pairing:
    """Returns what a net was compared with in its run, without a cache on its disk."""
    node = (data.get("pairs") or {}).get(name)
    if node is None:
        raise ValueError(
            f"'{checkpoint.path}' compares an image with '{name}', and its configuration does not describe"
            f" that (data.pairs.{name}). Give the run folder of a student."
        )
    pairing = checkpoint.build(node, PAIRS, Pairing)  # type: ignore[type-abstract]
    return pairing.redistorted if isinstance(pairing, ReferenceOrRedistorted) else pairing


def opened(
    source: Source,
    kind: type[P],
    device: str = "cpu",
    seed_by: SeedBy = "content",
    max_pixels: int = MAX_PIXELS,
    pool: str | Path | None = None,
    allow: Allow = (),
    pair: Pair = paired,
) -> P:
    """Returns a predictor of a class; nothing is downloaded.

    Args as for :func:`kdiqa.scorer.scorer.load`; ``pair`` returns what an image is compared with,
    as :func:`paired` does.

    Raises:
        ValueError: If the checkpoint is none of ours, or ``pair`` refuses it.
    """
    if not isinstance(source, Checkpoint):
        source = Checkpoint.read(WEIGHTS if source is None else source, allow=allow)
    description = source.description
    config: Any = OmegaConf.to_container(source.config, resolve=False)
    data, names, banks = config["data"], description["pair"], description.get("banks") or {}
    data["pairs"] = with_banks(data.get("pairs") or {}, banks, pool)
    pairs = {name: pair(source, name, data) for name in dict.fromkeys(names) if name != "image"}
    node = data.get("test_crops")
    crops = Crops(num=1, size=224, mode="center")
    if node:
        crops = source.build(node, PAIRS, Crops)
    seed = source.seed
    label = Label(**source.label)
    nodes = {name: banks.get(name, data["pairs"][name]) for name in pairs}
    text = f"{description['net']} {node} {nodes} {seed} {names} {label} {seed_by} {max_pixels}"
    long = long_names(source.folder) if seed_by == "name" else []
    text += f" {long}" * bool(long)
    views = Views(crops, pairs, seed, seed_by, max_pixels, long)
    net: Any = source.net().to(device)
    references = references_of(pairs, crops, seed)
    bank = None if references is None else ReferenceBank.of(net.backbone, references, names)
    return kind(net, views, names, label, digest(net.state_dict(), text), bank)


def long_names(folder: Path) -> list[str]:
    """Returns which images of a run were told apart by their folders, as LIVE's are, sorted."""
    file = folder / "split.csv"
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as table:
        return sorted(row["image"] for row in csv.DictReader(table) if "/" in row["image"])


def predictor_of(source: Predictor | Source) -> Predictor:
    """Returns a predictor as it is, and that of anything else on the CPU."""
    return source if isinstance(source, Predictor) else opened(source, Predictor)
