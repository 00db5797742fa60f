"""A study as command lines: one a job, or a Hydra multirun a variant."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kdiqa.config.compose import quoted
from kdiqa.study.plan import Job, Study, StudyError, Variant
from kdiqa.study.runner import Task

QUIET = "++callbacks.progress=null"  # a bar would fill the log


def own(task: Task) -> list[str]:
    """Returns the command that trains a task's run, or goes on with it."""
    words = [*task.job.words, *root_words(task.job.variant, task.roots), QUIET]
    if task.teacher is not None:
        words.append(f"teacher={quoted(task.teacher.folder)}")
    words += [f"run={quoted(task.folder)}", "resume=true"]
    return [sys.executable, "-m", "kdiqa.train", *words]


def multiruns(study: Study, logs: Path, roots: Mapping[str, str]) -> list[str]:
    """Returns one command a variant that runs its splits and seeds as a Hydra multirun.

    They leave the same folders as the study's own jobs: either may go on where the other stopped.
    Add ``launcher=joblib``, ``submitit_slurm`` or ``ray`` to each; run the teachers' first.
    """
    variants = study.variants.values()
    return [shlex.join(_multirun(study, variant, logs, roots)) for variant in variants]


def where_data_lie(study: Study, words: Sequence[str]) -> dict[str, str]:
    """Returns the folders of the data sets that were given, by name.

    Raises:
        StudyError: If one is given that the study does not read, or ``data.root`` could be any.
    """
    roots: dict[str, str] = {}
    needs = ", ".join(study.needs) or "no download"
    for word in words:
        key, _, value = word.partition("=")
        if key == "data.root":
            if len(study.needs) != 1:
                names = " ".join(f"root.{name}=…" for name in study.needs)
                raise StudyError(
                    f"'{study.name}' reads {needs}: data.root could mean any of them. Type:"
                    f" {names or 'no data.root'}"
                )
            roots[study.needs[0]] = value
        elif key.startswith("root."):
            name = key.removeprefix("root.")
            if name not in study.needs:
                raise StudyError(f"'{study.name}' does not read '{name}'. It reads: {needs}.")
            roots[name] = value
    return roots


def check_roots(study: Study, roots: Mapping[str, str]) -> None:
    """Raises where a data set that the chosen variants read has no folder."""
    below = os.environ.get("KDIQA_DATA")
    variants = study.variants.values()
    for name in dict.fromkeys(name for variant in variants for name in variant.data.values()):
        path = roots.get(name) or (str(Path(below, name)) if below else None)
        if path is None or not Path(path.strip("'\"")).expanduser().is_dir():
            fault = "has no folder" if path is None else f"is not in '{path}'"
            raise StudyError(
                f"'{study.name}' reads {name}, which {fault}. Type root.{name}=FOLDER, or set"
                f" KDIQA_DATA to the folder that holds {name}."
            )


def root_words(variant: Variant, roots: Mapping[str, str]) -> list[str]:
    """Returns the overrides that say where a variant's data lie; none where KDIQA_DATA does."""
    return [
        f"{key}={quoted(Path(roots[name].strip(chr(39))).expanduser().absolute())}"
        for key, name in variant.data.items()
        if name in roots
    ]


def _multirun(study: Study, variant: Variant, logs: Path, roots: Mapping[str, str]) -> list[str]:
    first = Job(variant, variant.splits[0], variant.seeds[0])
    words = [w for w in first.words if not w.startswith(("split=", "seed="))]
    words += root_words(variant, roots)
    teacher = study.teacher_of(first)
    if teacher is not None:
        split = "${split}" if variant.splits == teacher.variant.splits else teacher.split
        seed = "${seed}" if variant.seeds == teacher.variant.seeds else teacher.seed
        words.append(f"teacher={logs / teacher.subfolder.parent}/split_{split}_seed_{seed}")
    return [
        *("python", "-m", "kdiqa.train", "-m"),
        *words,
        f"split={','.join(map(str, variant.splits))}",
        f"seed={','.join(map(str, variant.seeds))}",
        "resume=true",
        f"hydra.sweep.dir={quoted(logs / first.subfolder.parent)}",
        "hydra.sweep.subdir=split_${split}_seed_${seed}",
    ]
