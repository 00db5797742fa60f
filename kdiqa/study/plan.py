"""What a study is: one yaml, and the jobs it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from kdiqa.config.compose import quoted
from kdiqa.files.bounded import read_yaml

STUDY_KEYS = ("experiment", "overrides", "needs", "splits", "seeds", "baseline", "threads")
VARIANT_KEYS = ("experiment", "overrides", "data", "splits", "seeds", "teacher", "baseline")


class StudyError(ValueError):
    """A study that cannot run as it is written, and what to type instead."""


@dataclass(frozen=True)
class Variant:
    """One row of the study's table: the same command over its splits and seeds."""

    name: str  # in the table; with underscores for spaces, of its folder
    words: tuple[str, ...]  # overrides of all its jobs, the experiment first
    data: Mapping[str, str]  # needed data sets it reads, by the override that says where one lies
    splits: tuple[int, ...]
    seeds: tuple[int, ...]
    teacher: str | None = None  # the variant that it learns from, trained first
    baseline: str | None = None  # the variant that it is compared with
    is_teacher: bool = False


@dataclass(frozen=True)
class Job:
    """One training run of a study."""

    variant: Variant
    split: int
    seed: int

    @property
    def subfolder(self) -> Path:
        """The run folder, below the study's logs."""
        return Path(self.variant.name.replace(" ", "_"), f"split_{self.split}_seed_{self.seed}")

    @property
    def title(self) -> str:
        """What it is called in what is printed."""
        return f"{self.variant.name}, split {self.split}, seed {self.seed}"

    @property
    def words(self) -> list[str]:
        """The overrides that make it this job, without its folders."""
        own = [f"split={self.split}", f"seed={self.seed}", f"name={quoted(self.variant.name)}"]
        return [*self.variant.words, *own, "compare=null"]


@dataclass(frozen=True)
class Study:
    """A study as its yaml has it."""

    folder: Path  # holds study.yaml and, for people, README.md
    variants: Mapping[str, Variant]  # by name, teachers first
    baseline: str | None  # what variants are compared with that name no other
    needs: tuple[str, ...]  # names of the data sets that it reads
    threads: int | None  # of each job on the CPU; None leaves it to the environment

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    def jobs(self) -> list[Job]:
        """Returns all jobs: split by split, seed by seed, and in each all variants.

        A study that is cut short then has compared all variants on the splits that it finished.
        """
        variants = self.variants.values()
        splits = dict.fromkeys(chain.from_iterable(variant.splits for variant in variants))
        seeds = dict.fromkeys(chain.from_iterable(variant.seeds for variant in variants))
        return [
            Job(variant, split, seed)
            for split, seed in product(splits, seeds)
            for variant in variants
            if split in variant.splits and seed in variant.seeds
        ]

    def teacher_of(self, job: Job) -> Job | None:
        """Returns the job whose teacher this one learns from: of its split and seed, if there is.

        A teacher that is trained on fewer splits or seeds serves the others with its first.
        """
        if job.variant.teacher is None:
            return None
        teacher = self.variants[job.variant.teacher]
        split = job.split if job.split in teacher.splits else teacher.splits[0]
        seed = job.seed if job.seed in teacher.seeds else teacher.seeds[0]
        return Job(teacher, split, seed)


def plain_yaml(path: Path) -> Any:
    """Returns what a YAML file holds in plain values, its interpolations left as they are.

    Raises:
        ValueError: If it exceeds the bounds of :mod:`kdiqa.files.bounded`.
    """
    return OmegaConf.to_container(OmegaConf.create(read_yaml(path)), resolve=False)


def read(folder: Path, extra: Sequence[str] = ()) -> Study:
    """Returns the study in a folder.

    Args:
        folder: With ``study.yaml``.
        extra: Overrides of all its jobs, which win over the study's own.

    Raises:
        StudyError: If there is none, or it is not one.
    """
    path = folder / "study.yaml"
    if not path.is_file():
        raise StudyError(
            f"No study at '{path}'. List those there are with: ls experiments/*/study.yaml"
        )
    try:
        given: Any = plain_yaml(path)
    except Exception as error:  # the parser has many, none of them ours
        raise StudyError(f"'{path}' is no yaml: {error}") from error
    given = given or {}
    _known(path, "a study", given, (*STUDY_KEYS, "variants", "teachers"))
    variants = {
        name: _variant(path, name, entry, given, extra, group == "teachers")
        for group in ("teachers", "variants")
        for name, entry in (given.get(group) or {}).items()
    }
    needs = tuple(given.get("needs") or ())
    study = Study(folder, variants, given.get("baseline"), needs, given.get("threads"))
    _check(path, study)
    return study


def _variant(
    path: Path,
    name: str,
    entry: str | Sequence[str] | Mapping[str, Any] | None,
    study: Mapping[str, Any],
    extra: Sequence[str],
    is_teacher: bool,
) -> Variant:
    """Returns a variant: a list of overrides, or a mapping that says more."""
    own: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"overrides": entry}
    _known(path, f"variant '{name}'", own, VARIANT_KEYS)
    given = {"splits": (0,), "seeds": (0,), **study, "data": None, "teacher": None, **own}
    experiment = given.get("experiment")
    if experiment is None:
        raise StudyError(
            f"'{path}' names no experiment for '{name}'. Add one of conf/experiment at its top:"
            " experiment: akd_demo"
        )
    # A teacher is another experiment: what is common to the students does not fit it.
    common = () if is_teacher else study.get("overrides") or ()
    overrides, data = own.get("overrides") or (), given["data"]
    group = [f"data={data}"] if isinstance(data, str) else []
    words = [f"experiment={experiment}", *group, *common]
    words += [overrides] if isinstance(overrides, str) else overrides
    if not isinstance(data, dict):
        needed = data or next(iter(study.get("needs") or ()), None)
        data = {"data.root": needed} if needed else {}
    baseline = None if is_teacher else given.get("baseline")
    return Variant(
        name=str(name),
        words=tuple(str(word) for word in (*words, *extra)),
        data=data,
        splits=tuple(given["splits"]),
        seeds=tuple(given["seeds"]),
        teacher=given["teacher"],
        baseline=None if baseline == name else baseline,
        is_teacher=is_teacher,
    )


def _known(path: Path, what: str, given: Mapping[str, Any], keys: Sequence[str]) -> None:
    unknown = [str(key) for key in given if key not in keys]
    if unknown:
        raise StudyError(
            f"'{path}' says '{unknown[0]}', which {what} has not. It has: {', '.join(keys)}."
        )


def _check(path: Path, study: Study) -> None:
    """Raises where the names of a study do not fit together."""
    variants = study.variants
    compared = [name for name, variant in variants.items() if not variant.is_teacher]
    if not compared:
        example = "variants: {alone: [distill=false]}"
        raise StudyError(f"'{path}' has no variants. Add some: {example}")
    for baseline in (study.baseline, *(variant.baseline for variant in variants.values())):
        if baseline is not None and baseline not in compared:
            raise StudyError(
                f"'{path}' has baseline '{baseline}', which is none of its variants:"
                f" {', '.join(compared)}."
            )
    teachers = [name for name, variant in variants.items() if variant.is_teacher]
    for variant in variants.values():
        if variant.teacher is not None and variant.teacher not in teachers:
            raise StudyError(
                f"'{path}': '{variant.name}' learns from '{variant.teacher}', which is none of the"
                f" study's teachers: {', '.join(teachers) or 'it has none'}."
            )
        for name in variant.data.values():
            if name not in study.needs:
                raise StudyError(
                    f"'{path}': '{variant.name}' reads '{name}', which is not in needs."
                    f" Write: needs: [{', '.join((*study.needs, name))}]"
                )
