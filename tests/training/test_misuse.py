"""What a user reads when something is wrong: one message, in seconds, that says what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.instantiate import ALLOWED, instantiate
from kdiqa.data.readers.koniq10k import KonIQ10k
from kdiqa.runtime.errors import for_user
from tests.runs import STUDENT, TEACHER, composed, train, write_weights
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def weights(home: Path) -> str:
    return f"module.net.backbone.weights={write_weights(home / 'weights.pth')}"


@pytest.fixture(scope="module")
def teacher(home: Path, fake_data: Path, weights: str) -> Path:
    words = (f"data.root={fake_data / 'tid2013'}", weights, "trainer.max_epochs=1")
    return train(*TEACHER, *words, folder=home / "teacher")


ODD = "tid 2013 ü"  # a path with a space and a letter beyond ASCII
AGAIN = (
    "Unpack it there from\nhttps://www.ponomarenko.info/tid2013.htm, or set data.root (now from"
    " data.root) to where it is."
)


def told(action: Callable[[], object]) -> str:
    """Returns what the command would print, and fails where it would print a traceback."""
    with pytest.raises(Exception, match=r"\w") as caught:  # whatever it is wrapped in
        action()
    message = for_user(caught.value)
    assert message is not None, caught.value
    assert "Traceback" not in message
    return message


def broken(fake_data: Path, tmp_path: Path, break_it: Callable[[Path], None]) -> str:
    root = tmp_path / ODD
    shutil.copytree(fake_data / "tid2013", root)
    break_it(root)
    return f"data.root='{root}'"


def test_wrong_path(tmp_path: Path, weights: str) -> None:
    words = ("data.root=/nowhere", weights, "distill=false")
    message = told(lambda: train(*STUDENT, *words, folder=tmp_path / "run"))
    assert message == (
        "DatasetNotFoundError: TID2013 not found in '/nowhere'. Unpack it there from\n"
        "https://www.ponomarenko.info/tid2013.htm, or set data.root (now from data.root) to where"
        " it is."
    )


def test_missing_label_file(tmp_path: Path, fake_data: Path, weights: str) -> None:
    root = broken(fake_data, tmp_path, lambda root: (root / "mos_with_names.txt").unlink())
    words = (root, weights, "distill=false")
    message = told(lambda: train(*STUDENT, *words, folder=tmp_path / "run"))
    assert message == (
        f"DatasetNotFoundError: TID2013 lacks 'mos_with_names.txt' in '{tmp_path / ODD}'. {AGAIN}"
    )


def test_truncated_image(tmp_path: Path, fake_data: Path, weights: str) -> None:
    def cut(root: Path) -> None:
        victim = sorted((root / "distorted_images").iterdir())[3]
        victim.write_bytes(victim.read_bytes()[:-100])

    words = (broken(fake_data, tmp_path, cut), weights, "distill=false")
    message = told(lambda: train(*STUDENT, *words, folder=tmp_path / "run"))
    victim = sorted((tmp_path / ODD / "distorted_images").iterdir())[3]
    size = victim.stat().st_size
    assert message == (
        f"BrokenImagesError: 1 image files of TID2013 in '{tmp_path / ODD}' cannot be read:"
        f" 'distorted_images/{victim.name}' (BMP cut short, {size} of {size + 100} bytes).\nUnpack them"
        " again from https://www.ponomarenko.info/tid2013.htm"
    )


def test_image_that_breaks_in_a_worker_is_named(
    tmp_path: Path, fake_data: Path, weights: str
) -> None:
    def garble(root: Path) -> None:
        for victim in (root / "distorted_images").iterdir():
            whole = victim.read_bytes()
            victim.write_bytes(whole[:30] + b"\x63" + whole[31:])  # an unknown compression

    words = (broken(fake_data, tmp_path, garble), weights, "distill=false", "data.num_workers=1")
    message = told(lambda: train(*STUDENT, *words, folder=tmp_path / "run"))
    folder = re.escape(str(tmp_path / ODD / "distorted_images"))
    assert re.fullmatch(
        rf"kdiqa\.data\.images\.read\.ImageReadError: Cannot read the image '{folder}/\S+': Unsupported BMP"
        r" compression \(99\)\. Unpack that file again\.",
        message,
        re.IGNORECASE,
    ), message


def test_reference_missing_for_a_full_reference_experiment(
    tmp_path: Path, fake_data: Path, weights: str
) -> None:
    words = ("data=biq2021", f"data.root={fake_data / 'biq2021'}", weights)
    message = told(lambda: train(*TEACHER, *words, folder=tmp_path / "run"))
    assert message == (
        "NoReferenceError: 26 of 26 images have no reference, the first is 'ss01 (0).jpg'. Take a data"
        " set with references\n(data=tid2013, data=kadid10k), or pair by"
        " kdiqa.data.pairs.pairing.Redistorted, which needs none."
    )


def test_teacher_that_does_not_exist(tmp_path: Path, fake_data: Path, weights: str) -> None:
    words = (f"data.root={fake_data / 'tid2013'}", weights, "teacher=/nowhere")
    message = told(lambda: train(*STUDENT, *words, folder=tmp_path / "run"))
    assert message == (
        "FileNotFoundError: No checkpoint at '/nowhere': neither a file nor a run folder with"
        " checkpoints/best.ckpt. Train one with: python -m kdiqa.train"
        " experiment=teacher_kadid10k"
    )


def test_data_and_teacher_missing_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KDIQA_DATA", raising=False)
    words = ("experiment=akd_koniq", "trainer=cpu", "callbacks.progress=null")
    message = told(lambda: train(*words, folder=tmp_path / "run"))
    assert message == (
        "ValueError: KonIQ10k has no folder: data.root is not set. Unpack it from"
        f" {KonIQ10k.homepage}\nand set data.root=/path/to/koniq10k, or KDIQA_DATA in the environment"
        " to the folder that holds koniq10k.\nThis experiment distils from a teacher, and teacher is"
        " not set. Train one with: python -m kdiqa.train experiment=teacher_kadid10k\nthen set"
        " teacher to its run folder; or set teacher=train to do both at once."
    )


def test_the_command_of_a_missing_teacher_is_whole(tmp_path: Path, fake_data: Path) -> None:
    words = ("experiment=qfm_koniq", f"data.root={fake_data / 'koniq10k'}", "data.guard=warn")
    message = told(lambda: train(*words, folder=tmp_path / "run"))
    assert message == (
        "ValueError: This experiment distils from a teacher, and teacher is not set. Train one with:"
        " python -m kdiqa.train experiment=qfm_koniq distill=false\nthen set teacher to its run"
        " folder; or set teacher=train to do both at once."
    )


def test_the_command_of_a_missing_soft_teacher_is_of_this_runs_images(
    tmp_path: Path, fake_data: Path
) -> None:
    root = fake_data / "biq2021"
    words = ("experiment=sskd_biq2021", f"data.root={root}", "split=3", "seed=7")
    message = told(lambda: train(*words, folder=tmp_path / "run"))
    assert message == (
        "ValueError: This experiment distils from a teacher, and teacher is not set. Train one with:"
        " python -m kdiqa.train experiment=akd_biq2021 seed=7 split=3 trainer=default data=biq2021"
        f" data.guard=drop data.root={root} teacher=train compare=null\nthen set teacher to its run"
        " folder; or set teacher=train to do both at once."
    )


def test_teacher_that_is_no_checkpoint(tmp_path: Path, fake_data: Path, weights: str) -> None:
    path = tmp_path / "photo.ckpt"
    path.write_bytes(b"\x89PNG not weights")
    words = (f"data.root={fake_data / 'tid2013'}", weights, f"teacher={path}")
    message = told(lambda: train(*STUDENT, *words, folder=tmp_path / "run"))
    assert message == (
        f"ValueError: '{path}' cannot be read as a checkpoint (BadZipFile): it is damaged, or"
        " holds more than weights and plain values. Train again, or take a complete copy."
    )


def test_weights_alone_are_no_teacher(home: Path, weights: str) -> None:
    path = home / "weights.pth"
    message = (
        f"'{path}' was not written by kdiqa: it does not say which net its weights belong to."
        " Backbone weights go to backbone.weights."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Checkpoint.read(path)


def test_checkpoint_that_is_code_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return exec, ("raise SystemExit('ran')",)

    torch.save({"kdiqa": Hostile()}, tmp_path / "hostile.ckpt")
    message = (
        f"'{tmp_path / 'hostile.ckpt'}' cannot be read as a checkpoint (UnpicklingError): it is"
        " damaged, or holds more than weights and plain values. Train again, or take a complete"
        " copy."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Checkpoint.read(tmp_path / "hostile.ckpt")


def test_configuration_builds_only_what_is_allowed() -> None:
    message = (
        "The configuration asks for 'os.system', which is none of the classes that may be built:"
        f" of {', '.join(ALLOWED)}. See where it comes from before you run it; a class of your own"
        " package is built where you type allow=[mypackage]."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        instantiate(
            {"_target_": "kdiqa.systems.akd.mixer.Mixer", "in_dim": {"_target_": "os.system"}}
        )


def test_distiller_without_its_callback(
    tmp_path: Path, fake_data: Path, weights: str, teacher: Path
) -> None:
    words = (f"data.root={fake_data / 'tid2013'}", weights, f"teacher={teacher}")
    message = told(
        lambda: train(*STUDENT, *words, "~callbacks.distillation", folder=tmp_path / "run")
    )
    assert message == (
        "RuntimeError: The student has a distiller, but the batch holds no teacher prediction. Add"
        " the Distillation callback (distiller=levels), or train without a teacher"
        " (distiller=none)."
    )


def test_misspelt_word_is_told_before_a_teacher_is_trained(
    tmp_path: Path, fake_data: Path
) -> None:
    words = (f"data.root={fake_data / 'tid2013'}", "module.net.crop_fusion=sum", "teacher=train")
    message = told(lambda: train(*STUDENT, *words, folder=tmp_path / "run"))
    assert message == "ValueError: module.net.crop_fusion is 'sum'; it is one of: cat, mean."
    assert not (tmp_path / "run" / "teacher").exists()


def test_misspelt_key_names_itself(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"Could not override 'data\.batchsize'"):
        composed("data=tid2013", "data.batchsize=4", folder=tmp_path)


@pytest.mark.process
def test_misspelt_experiment_is_answered_by_the_nearest() -> None:
    words = [sys.executable, "-m", "kdiqa.train", "experiment=akd_dmeo"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "There is no experiment=akd_dmeo; there is: experiment=akd_demo, experiment=akd_koniq,"
        " experiment=teacher_demo\n"
    )
