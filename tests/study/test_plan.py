"""A study's yaml becomes jobs, in an order that can be cut short, or says what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kdiqa.config.differences import described, flat
from kdiqa.study.commands import multiruns, root_words, where_data_lie
from kdiqa.study.plan import Job, StudyError, read
from kdiqa.study.state import changes, compositions
from tests.study.fake import STUDY, write


def test_all_variants_of_a_split_come_before_the_next_split(tmp_path: Path) -> None:
    jobs = read(write(tmp_path)).jobs()
    assert [(job.variant.name, job.split, job.seed) for job in jobs] == [
        *(("teacher", 0, 0), ("alone", 0, 0), ("taught", 0, 0)),
        *(("alone", 0, 1), ("taught", 0, 1)),
        *(("teacher", 1, 0), ("alone", 1, 0), ("taught", 1, 0)),
        *(("alone", 1, 1), ("taught", 1, 1)),
    ]


def test_student_learns_from_the_teacher_of_its_split_and_the_seed_there_is(
    tmp_path: Path,
) -> None:
    study = read(write(tmp_path))
    teacher = study.teacher_of(Job(study.variants["taught"], 1, 1))
    assert teacher == Job(study.variants["teacher"], 1, 0)
    assert study.teacher_of(Job(study.variants["alone"], 1, 1)) is None


def test_words_are_common_ones_then_the_variants_then_those_given_beside(tmp_path: Path) -> None:
    study = read(write(tmp_path), ["trainer.max_epochs=1"])
    words = Job(study.variants["alone"], 1, 0).words
    assert words == [
        *("experiment=akd_demo", "trainer=cpu", "distill=false", "trainer.max_epochs=1"),
        *("split=1", "seed=0", "name=alone", "compare=null"),
    ]
    assert study.variants["teacher"].words == ("experiment=teacher_demo", "trainer.max_epochs=1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "variant: {}",
            " says 'variant', which a study has not. It has: experiment, overrides, needs, splits,"
            " seeds, baseline, threads, variants, teachers.",
        ),
        ("experiment: akd_demo", " has no variants. Add some: variants: {alone: [distill=false]}"),
        (
            "variants: {a: []}",
            " names no experiment for 'a'. Add one of conf/experiment at its top: experiment:"
            " akd_demo",
        ),
        (
            "{experiment: x, variants: {a: []}, baseline: b}",
            " has baseline 'b', which is none of its variants: a.",
        ),
        (
            "{experiment: x, variants: {a: {teacher: t}}}",
            ": 'a' learns from 't', which is none of the study's teachers: it has none.",
        ),
        (
            "{experiment: x, needs: [live], variants: {a: {data: csiq}}}",
            ": 'a' reads 'csiq', which is not in needs. Write: needs: [live, csiq]",
        ),
        (
            "{experiment: x, variants: {a: {seed: 1}}}",
            " says 'seed', which variant 'a' has not. It has: experiment, overrides, data, splits,"
            " seeds, teacher, baseline.",
        ),
    ],
)
def test_wrong_study_says_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    whole = f"'{tmp_path / 'study.yaml'}'{message}"
    with pytest.raises(StudyError, match=f"^{re.escape(whole)}$"):
        read(write(tmp_path, text))


def test_folder_without_a_study_says_where_there_are_some(tmp_path: Path) -> None:
    message = (
        f"No study at '{tmp_path / 'study.yaml'}'. List those there are with: ls"
        " experiments/*/study.yaml"
    )
    with pytest.raises(StudyError, match=f"^{re.escape(message)}$"):
        read(tmp_path)


def test_misspelt_override_is_found_before_anything_runs(tmp_path: Path) -> None:
    study = read(write(tmp_path, STUDY.replace("distill=false", "distil=false")))
    message = (
        r"^'alone' does not compose: There is no distil=false; there is: distill=…, distiller=…, distance=…\nTry it with: python -m kdiqa\.train"
        r" experiment=akd_demo trainer=cpu distil=false split=0 seed=0 name=alone compare=null --cfg"
        r" job$"
    )
    with pytest.raises(StudyError, match=message):
        compositions(study.variants.values())


def test_configuration_of_a_run_is_compared_without_its_place_and_name(tmp_path: Path) -> None:
    study = read(write(tmp_path))
    config = compositions(study.variants.values())["alone"]
    assert config["distill"] is False
    assert not {"run", "name", "teacher", "data.root"} & set(config)
    (tmp_path / "run" / ".hydra").mkdir(parents=True)
    stored = tmp_path / "run" / ".hydra" / "config.yaml"
    stored.write_text("{seed: 1, run: /elsewhere, data: {root: /x, batch_size: 8}}")
    wanted = flat({"seed": 2, "data": {"batch_size": 8}})
    assert described(changes(tmp_path / "run", wanted)) == "seed 1 → 2"
    assert changes(tmp_path / "nowhere", wanted) == {}


def test_data_root_must_not_be_ambiguous(tmp_path: Path) -> None:
    study = read(write(tmp_path, "{experiment: x, needs: [live, csiq], variants: {a: []}}"))
    message = (
        f"'{tmp_path.name}' reads live, csiq: data.root could mean any of them. Type: root.live=…"
        " root.csiq=…"
    )
    with pytest.raises(StudyError, match=f"^{re.escape(message)}$"):
        where_data_lie(study, ["data.root=/x"])
    message = f"'{tmp_path.name}' does not read 'bid'. It reads: live, csiq."
    with pytest.raises(StudyError, match=f"^{re.escape(message)}$"):
        where_data_lie(study, ["root.bid=/x"])
    assert where_data_lie(study, ["root.csiq=/x", "seed=1"]) == {"csiq": "/x"}


def test_variant_says_where_two_data_sets_lie_and_what_it_is_compared_with(tmp_path: Path) -> None:
    text = """
    {experiment: x, needs: [live, csiq], baseline: a, variants: {a: [], b: [], c: {baseline: b,
     data: {data.train_on.root: live, data.test_on.root: csiq}}}}
    """
    variants = read(write(tmp_path, text)).variants
    roots = {"live": "/my data", "csiq": "/c"}
    assert root_words(variants["c"], roots) == [
        *("data.train_on.root='/my data'", "data.test_on.root=/c")
    ]
    assert root_words(variants["b"], {}) == []
    assert [variant.baseline for variant in variants.values()] == [None, "a", "b"]


def test_multirun_leaves_the_folders_that_the_runner_leaves(tmp_path: Path) -> None:
    lines = multiruns(read(write(tmp_path)), Path("logs/study/x"), {})
    assert lines[2] == (
        "python -m kdiqa.train -m experiment=akd_demo trainer=cpu name=taught compare=null"
        " 'teacher=logs/study/x/teacher/split_${split}_seed_0' split=0,1 seed=0,1 resume=true"
        " hydra.sweep.dir=logs/study/x/taught 'hydra.sweep.subdir=split_${split}_seed_${seed}'"
    )
