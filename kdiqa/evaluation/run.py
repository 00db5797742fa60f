"""One run on one data set: what its checkpoint says of itself, applied to other images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from rich.progress import track

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.compose import compose, conf_dir
from kdiqa.config.instantiate import DATA_ONLY, instantiate
from kdiqa.data.pairs.pool import recalled
from kdiqa.data.scale import Label
from kdiqa.data.splits import leaks
from kdiqa.files.atomic import write
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.stored import rows_of
from kdiqa.metrics.table import Rows, merge
from kdiqa.models.bank import ReferenceBank
from kdiqa.runtime.devices import auto_device

POLICY = ("seed", "batch_size", "test_crops", "pairs")  # of the run, whatever data it meets


@dataclass
class Evaluation:
    """A run and the images it is to score.

    Args:
        checkpoint: Of the run.
        dataset: The name of the data set, of ``conf/data``.
        data: Its data module, set up; its test split is what is scored.
        own: Whether it is the run's own data set, so that only its test split is scored.
        warnings: What a reader of the numbers must know.
        folder: Where the rows, the results and the figures go.
    """

    checkpoint: Checkpoint
    dataset: str
    data: Any
    own: bool
    warnings: list[str] = field(default_factory=list)
    folder: Path = Path()

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.checkpoint.folder


def of_run(
    checkpoint: Checkpoint,
    dataset: str,
    root: str | None,
    num_workers: int = 0,
    pool: str | None = None,
) -> Evaluation:
    """Returns a run's evaluation on a data set, ready.

    Args:
        checkpoint: Of the run.
        dataset: A name of ``conf/data``.
        root: Where it lies; None for the folder of its name that KDIQA_DATA holds or, for the
            run's own data, where they lay.
        num_workers: Processes that read images.
        pool: Where the references of the run's bank lie now; None for where they lay.

    Raises:
        NoReferenceError: If the run compares images with references, which these data have not.
    """
    cfg: Any = checkpoint.config
    node: Any = data_node(dataset)
    own = node._target_ == cfg.data._target_
    if own:
        node = cfg.data
    else:
        for key in POLICY:
            node[key] = cfg.data[key]
        node.split_by = "image"  # no split is used, and single images can always be parted
        node.label_scale = "unit"
    node.teacher_pairs, node.num_workers = {}, num_workers
    node.pairs = recalled(node.pairs, checkpoint.description.get("banks") or {}, pool)
    if root is not None:
        node.root = root
    data = instantiate(node, DATA_ONLY)
    data.prepare_data()
    data.setup()
    if not own:
        data.assignment = replace(data.assignment, subsets=["test"] * len(data.records))
    elif data.guard == "drop":
        data.check_leaks()  # as the run did, whose digest is of what was left
    made = Evaluation(checkpoint, dataset, data, own)
    made.warnings += warnings_of(made)
    return made


def data_node(name: str) -> DictConfig:
    """Returns the configuration of a data set, its interpolations left as they are.

    Raises:
        ValueError: If ``conf/data`` has none of that name.
    """
    known = sorted(path.stem for path in (conf_dir() / "data").glob("[!_]*.yaml"))
    if name not in known:
        raise ValueError(f"There is no data set '{name}'. There are: {', '.join(known)}.")
    cfg = compose([f"data={name}"])
    OmegaConf.set_struct(cfg, False)
    node: DictConfig = cfg.data
    return node


def warnings_of(made: Evaluation) -> list[str]:
    """Returns what a reader of an evaluation's numbers must know, a sentence each."""
    told = []
    if made.own and made.data.digest != made.checkpoint.description["data"]["digest"]:
        told.append(
            f"The images or scores of {made.dataset} are not those that '{made.run}' was trained"
            " on: its test split may hold images that it has seen."
        )
    known = [] if made.own else shared_contents(made)
    if known:
        told.append(
            f"{len(known)} contents of {made.dataset} are in what '{made.run}' has learnt from, or"
            f" its teacher, such as '{known[0]}': the numbers are too high for new ones."
        )
    return told


def shared_contents(made: Evaluation) -> list[str]:
    """Returns which contents of the other data the run has learnt from, itself or by its teacher.

    References stand in the checkpoint. Photographs are compared where the run's data still are.
    """
    found = leaks.leaks_into_test(
        made.data.assignment, *leaks.from_contents(made.checkpoint.contents or [])
    )
    trained: Any = instantiate(made.checkpoint.config.data, DATA_ONLY)
    if trained.root is not None and trained.root.is_dir():
        trained.setup()
        learnt = [i for part in ("train", "val") for i in leaks.compared(trained.assignment, part)]
        hashes = leaks.hashes_of([image.path for image in learnt])
        found += leaks.leaks_into_test(made.data.assignment, learnt, hashes)
    else:
        made.warnings.append(
            f"The photographs that '{made.run}' has learnt from are not in '{trained.root}' any"
            " more: only references could be compared."
        )
    return sorted({leak.there.content for leak in found})


def evaluated(made: Evaluation, device: str = "auto") -> dict[str, Any]:
    """Scores the images, writes rows and results, and returns the results.

    Args:
        made: What to do.
        device: ``cpu`` or ``cuda``; ``auto`` takes what there is.
    """
    rows = scored(made, device)
    table = rows_of(made.data, rows)
    write(made.folder / "predictions" / "test.csv", table.to_csv(index=False))
    trained = json.loads((made.run / "results.json").read_text())
    found = {
        "name": f"{trained['name']} on {made.dataset}",
        "metrics": {"test": summarize(rows.score, rows.mos)},
        "selected_on": trained["selected_on"],
        "run": str(made.run),
        "images": "test split" if made.own else "all",
        "data": made.data.digest,
        "seed": trained["seed"],
        "split": trained["split"],
        "warnings": made.warnings,
    }
    write(made.folder / "results.json", json.dumps(found, indent=2) + "\n")
    return found


def scored(made: Evaluation, device: str = "auto") -> Rows:
    """Returns one row an image: opinion and score in [0, 1], higher is better."""
    return scored_beside(made, [made.data.references()], device)[0]


def scored_beside(made: Evaluation, references: Sequence[Any], device: str = "auto") -> list[Rows]:
    """Returns the rows of all images beside each of some banks, from one pass over the images.

    Args:
        made: What to do.
        references: Of each bank; a None stands for the second images that the batches hold.
        device: ``cpu`` or ``cuda``; ``auto`` takes what there is.
    """
    device = auto_device() if device == "auto" else device
    net: Any = made.checkpoint.net().to(device)
    pair, label = made.checkpoint.description["pair"], Label(**made.checkpoint.label)
    banks = [r if r is None else ReferenceBank.of(net.backbone, r, pair) for r in references]
    keys = sorted(set(pair)) if None in banks else ["image"]
    indices: list[Any] = []
    scores: list[list[Any]] = [[] for _ in banks]
    with torch.inference_mode():
        for batch in track(made.data.test_dataloader(), f"Scoring {made.dataset}", transient=True):
            pyramids = net.backbone([batch[key].to(device) for key in keys])
            by_key = dict(zip(keys, pyramids, strict=True))
            for said, bank in zip(scores, banks, strict=True):
                if bank is None:
                    score = net(*(by_key[key] for key in pair)).score
                else:
                    score = bank.score(net, by_key["image"])
                # On the scale that the run learnt, which is not the other data's.
                said.append(label.to_unit(score.double()).cpu().numpy())
            indices.append(batch["index"].numpy())
    opinions = [[made.data.records[i].mos for i in index] for index in indices]
    return [merge(indices, said, opinions) for said in scores]
