"""Words that a configuration may use, told before anything is built."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from omegaconf import OmegaConf

from kdiqa.config.instantiate import checked, described, instantiate, words


def classes() -> list[type]:
    """Returns every class of the package that a configuration may build."""
    classes = []
    for room in ("data", "distortions", "models", "systems", "training"):
        root = importlib.import_module(f"kdiqa.{room}")
        for info in pkgutil.walk_packages(root.__path__, f"kdiqa.{room}."):
            if info.name.rpartition(".")[2] != "__main__":
                module = importlib.import_module(info.name)
                members = inspect.getmembers(module, inspect.isclass)
                classes += [cls for _, cls in members if cls.__module__ == info.name]
    return classes


def test_every_literal_of_the_package_can_be_read() -> None:
    """A name that only type checkers know would take the check away, silently."""
    missed = [
        (made.__qualname__, name)
        for made in classes()
        for name, parameter in inspect.signature(made.__init__).parameters.items()
        if str(parameter.annotation).startswith("Literal[") and name not in words(made)
    ]
    assert missed == []
    assert sum(bool(words(made)) for made in classes()) > 20


def test_misspelt_word_is_told_with_its_place_and_the_words_there_are() -> None:
    root = {"module": {"net": {"parts": [{"_target_": "kdiqa.models.pooled.PooledNet"}]}}}
    config = OmegaConf.create(root)
    config.module.net.parts[0].input_norm = "batch"
    with pytest.raises(
        ValueError,
        match=r"^module.net.parts\[0\].input_norm is 'batch'; it is one of: none, running.$",
    ):
        instantiate(config.module)
    plain = {"_target_": "kdiqa.models.pooled.PooledNet", "input_norm": "batch"}
    with pytest.raises(ValueError, match=r"^input_norm is 'batch'; it is one of: none, running.$"):
        instantiate(plain)


def test_described_names_each_part_once() -> None:
    node = {"_target_": "a", "b": {"_target_": "c"}, "d": [{"_target_": "e"}, 1], "f": {"g": 2}}
    assert [name for name, _ in described(node, "x")] == ["x", "x.b", "x.d[0]"]


def test_a_number_in_place_of_a_schedule_is_told_with_what_to_type() -> None:
    module = {"_target_": "kdiqa.systems.sskd.module.SoftTargetModule", "alpha": 0.2}
    message = (
        r"^module.alpha is 0.2, in place of something with arguments of its own."
        r" Set those, as in module.alpha.NAME=0.2; --cfg job shows which there are.$"
    )
    with pytest.raises(ValueError, match=message):
        checked(OmegaConf.create({"module": module}))


def test_what_is_checked_is_what_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDIQA_MARKER", "read")
    text = "${oc.env:KDIQA_MARKER}"
    assert instantiate({"note": text, "list": [text]}) == {"note": text, "list": [text]}
    built = instantiate(OmegaConf.create({"note": "\\" + text, "once": text}))
    assert built == {"note": text, "once": "read"}


def test_a_partial_node_builds_what_builds_it_later() -> None:
    later = instantiate({"_target_": "torch.nn.Linear", "_partial_": True, "in_features": 2})
    assert later(out_features=3).weight.shape == (3, 2)
