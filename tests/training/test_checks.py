"""What does not go together is refused before a run writes or trains anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdiqa.config.instantiate import instantiate
from tests.runs import STUDENT, TEACHER, one_step, planned, train

ALONE = ("distill=false", "module.net.backbone.weights=random")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.batch_size=0"], "data.batch_size is 0; set it to 1 or more."),
        (
            ["second=alone"],
            "module.pair gives [image], and AKDNet compares [image, second]. Set second to what the"
            " image is compared with, or net to one that takes these images.",
        ),
        (
            ["data.drop_last=true", "data.batch_size=500", "num_test_crops=2"],
            "training images fill no batch of 500, and data.drop_last=true leaves out what is not"
            " full. Set data.batch_size to at most that number.",
        ),
        (
            ["+module.soft._target_=kdiqa.systems.sskd.losses.SoftScore"],
            "This run has soft targets (module.soft), and kdiqa.training.student.StudentModule"
            " learns from none. Set module=soft_target, or another distiller.",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_work(
    words: list[str], message: str, fake_data: Path, tmp_path: Path
) -> None:
    root = f"data.root={fake_data / 'tid2013'}"
    names = {word.partition("=")[0] for word in words}
    kept = [word for word in STUDENT if word.partition("=")[0] not in names]
    folder = tmp_path / "run"
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        planned(*kept, *ALONE, root, *words, folder=folder)
    assert str(caught.value).endswith(message)
    assert not list(folder.iterdir())


def test_levels_that_a_net_lacks_are_named(fake_data: Path, tmp_path: Path) -> None:
    root, net = f"data.root={fake_data / 'tid2013'}", "module.net.backbone.weights=random"
    teacher = train(*TEACHER, root, net, "trainer.max_epochs=1", folder=tmp_path / "teacher")
    words = (root, net, f"teacher={teacher}", "module.net.backbone.pyramid.levels=1")
    with pytest.raises(ValueError, match=r"Levels \[0, 1, 2, 3\] are compared .* have 1\. Set"):
        one_step(*STUDENT, *words, folder=tmp_path / "run")


def test_words_that_a_class_does_not_take_are_named() -> None:
    node = {"_target_": "kdiqa.models.pooled.BinHead", "num_bins": 20}
    with pytest.raises(
        ValueError, match=r"^kdiqa\.models\.pooled\.BinHead cannot be built with num_bins: "
    ):
        instantiate(node)
