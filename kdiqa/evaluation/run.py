"""One run on one data set: its net, crops and pairs, applied to other images."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from rich.progress import track

from kdiqa.config.buildable import READERS
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.compose import compose, conf_dir
from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.pairs.pool import with_banks
from kdiqa.data.readers.crossdataset import CrossDataset
from kdiqa.data.readers.demo import Demo
from kdiqa.data.scale import Label
from kdiqa.data.source import DatasetNotFoundError
from kdiqa.data.splits import leaks
from kdiqa.files.atomic import write
from kdiqa.metrics import seals
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.stored import rows_of
from kdiqa.metrics.table import Rows, merge
from kdiqa.models.bank import ReferenceBank
from kdiqa.report.results import results_of
from kdiqa.runtime.devices import auto_device

# Of the run, whatever data it meets.
POLICY = ("seed", "batch_size", "train_crops", "test_crops", "pairs")


@dataclass
class Evaluation:
    """A run and the images it is to score.

    Args:
        checkpoint: Of the run.
        dataset: The name of the data set, of ``conf/data``.
        data: Its data module, set up; its test split is what is scored.
        own: Whether it is the run's own data set, so that only its test split is scored.
        folder: Where the rows, the results and the figures go.
    """

    checkpoint: Checkpoint
    dataset: str
    data: Any
    own: bool
    folder: Path = Path()

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.checkpoint.folder

    def __post_init__(self) -> None:
        """Finds what a reader of the numbers must know, before the first image is scored."""
        self.warnings = warnings_of(self)


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
        root: Where it lies; None for its folder in KDIQA_DATA or, for own data, where they lay.
        num_workers: Processes that read images.
        pool: Where the references of the run's bank lie now; None for where they lay.

    Raises:
        NoReferenceError: If the run compares images with references, which these data have not.
    """
    stored = checkpoint.data_node()
    node: Any = OmegaConf.to_container(data_node(dataset), resolve=True)
    own = node["_target_"] == stored.get("_target_")
    if own:
        node = stored
    else:
        node |= {key: stored[key] for key in POLICY if key in stored}
        node |= {"split_by": "image", "label_scale": "unit"}  # single images can always be split
    node |= {"teacher_pairs": {}, "num_workers": num_workers}
    banks = checkpoint.description.get("banks") or {}
    node["pairs"] = with_banks(node.get("pairs") or {}, banks, pool)
    if root is not None:
        node["root"] = root
    data = checkpoint.build(node, READERS, IQADataModule)  # type: ignore[type-abstract]
    if own and root is None:
        check_made(data)
    data.prepare_data()
    data.setup()
    if not own:
        data.assignment = replace(data.assignment, subsets=["test"] * len(data.records))
    elif data.guard == "drop":
        data.check_leaks()  # as the run did, whose digest is of what was left
    return Evaluation(checkpoint, dataset, data, own)


def check_made(data: IQADataModule) -> None:
    """Raises where data would have to be made: a file names where data lay, not where to write.

    Args:
        data: Of a run, where its checkpoint says.
    """
    for part in (data.train_on, data.test_on) if isinstance(data, CrossDataset) else (data,):
        if isinstance(part, Demo) and not (part.root and part.root.is_dir()):
            raise DatasetNotFoundError(part.source, "is not there any more")


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


def warnings_of(evaluation: Evaluation) -> list[str]:
    """Returns what a reader of an evaluation's numbers must know, a sentence each."""
    run, dataset, checkpoint = evaluation.run, evaluation.dataset, evaluation.checkpoint
    if evaluation.own:
        same = evaluation.data.digest == checkpoint.description["data"]["digest"]
        return [] if same else [
            f"The images or scores of {dataset} are not those that '{run}' was trained on: its"
            " test split may hold images that it has seen."
        ]  # fmt: skip
    stored = checkpoint.data_node()
    trained = checkpoint.build(stored, READERS, IQADataModule)  # type: ignore[type-abstract]
    warnings = []
    if trained.root is None or not trained.root.is_dir():
        warnings.append(
            f"The images that '{run}' has learnt from are not in '{trained.root}' any more: only"
            " references could be compared."
        )
    shared = shared_contents(evaluation, None if warnings else trained)
    if shared:
        warnings.append(
            f"{len(shared)} contents of {dataset} are in what '{run}' has learnt from, or its"
            f" teacher, such as '{shared[0]}': the numbers are too high for new ones."
        )
    return warnings


def shared_contents(evaluation: Evaluation, trained: Any) -> list[str]:
    """Returns which contents of the other data the run has learnt from, itself or by its teacher.

    Args:
        evaluation: On the other data.
        trained: The data module of the run's own data; None where they are gone, so that only
            the references in the checkpoint are compared.
    """
    there = evaluation.data.assignment
    known = leaks.from_contents(evaluation.checkpoint.contents or [])
    shared = leaks.leaks_into_test(there, *known)
    if trained is not None:
        trained.setup()
        learnt = [*leaks.compared(trained.assignment, "train")]
        learnt += leaks.compared(trained.assignment, "val")
        hashes = leaks.hashes_of([image.path for image in learnt])
        shared += leaks.leaks_into_test(there, learnt, hashes)
    return sorted({leak.there.content for leak in shared})


def evaluated(evaluation: Evaluation, device: str = "auto") -> dict[str, Any]:
    """Scores the images on a device as of :func:`scored`, writes rows and results, returns these."""
    (rows,) = scored(evaluation, [evaluation.data.references()], device)
    table = rows_of(evaluation.data, rows)
    text = table.to_csv(index=False)
    seal = seals.seal(text)
    write(evaluation.folder / "predictions" / f"test{seals.SUFFIX}", seal)
    write(evaluation.folder / "predictions" / "test.csv", text)
    trained = results_of(evaluation.run)
    results = {
        "name": f"{trained.get('name', evaluation.run.name)} on {evaluation.dataset}",
        "metrics": {"test": summarize(rows.score, rows.mos)},
        "selected_on": trained.get("selected_on"),
        "run": str(evaluation.run),
        "images": "test split" if evaluation.own else "all",
        "data": evaluation.data.digest,
        "rows": {"test": seals.digest(seal)},
        "seed": trained.get("seed"),
        "split": trained.get("split"),
        "warnings": evaluation.warnings,
    }
    write(evaluation.folder / "results.json", json.dumps(results, indent=2) + "\n")
    return results


def scored(evaluation: Evaluation, references: Sequence[Any], device: str = "auto") -> list[Rows]:
    """Returns the rows of all images with each of some banks, from one pass over the images.

    MOS are in [0, 1], scores nominally, higher is better.

    Args:
        evaluation: Of a run on a data set.
        references: Of each bank; None: the second images in the batches.
        device: ``cpu`` or ``cuda``; ``auto`` takes what there is.
    """
    device = auto_device() if device == "auto" else device
    net: Any = evaluation.checkpoint.net().to(device)
    pair, label = evaluation.checkpoint.description["pair"], Label(**evaluation.checkpoint.label)
    banks = [r if r is None else ReferenceBank.of(net.backbone, r, pair) for r in references]
    keys = sorted(set(pair)) if None in banks else ["image"]
    indices: list[Any] = []
    scores: list[list[Any]] = [[] for _ in banks]
    batches = evaluation.data.test_dataloader()
    with torch.inference_mode():
        for batch in track(batches, f"Scoring {evaluation.dataset}", transient=True):
            pyramids = net.backbone([batch[key].to(device) for key in keys])
            by_key = dict(zip(keys, pyramids, strict=True))
            for predictions, bank in zip(scores, banks, strict=True):
                own = (by_key[key] for key in pair)
                score = net(*own).score if bank is None else bank.score(net, by_key["image"])
                # On the scale that the run learnt, which is not the other data's.
                predictions.append(label.to_unit(score.double()).cpu().numpy())
            indices.append(batch["index"].numpy())
    mos = [[evaluation.data.records[i].mos for i in index] for index in indices]
    return [merge(indices, predictions, mos) for predictions in scores]
