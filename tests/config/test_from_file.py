"""What a stranger's file may build: the classes of one list, with arguments of their types."""

from __future__ import annotations

import copy
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import get_object
from omegaconf import OmegaConf

import kdiqa
from kdiqa.config import buildable
from kdiqa.config.buildable import LABEL, NETS, PAIRS, READERS
from kdiqa.config.checkpoint import Checkpoint, describe
from kdiqa.config.compose import conf_dir
from kdiqa.config.from_file import FileError, check_file, from_file
from kdiqa.config.instantiate import instantiate
from kdiqa.config.reading import mapping_of
from kdiqa.predict import main as predict
from tests.config import strangers
from tests.config.strangers import BACKBONE, HEAD, POOLED
from tests.fakes import picture
from tests.fakes import write as write_image
from tests.runs import composed
from tests.training import own

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("[!_]*.yaml"))
OWN_HEAD = {"_target_": "tests.training.own.OwnHead", "_partial_": True, "num_bins": 5}
REFUSED = (
    "Nothing of '{}' is built: it asks for '{}', and a file may build none but kdiqa's own nets,"
    " crops and pairings. If it is yours and you trust the file, name it yourself:"
    " allow=[mypackage] on the command line (--allow mypackage for predict, cost, export and"
    " demo), or kdiqa.load(path, allow=[MyNet]) in Python."
)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_whatever_an_experiment_writes_may_be_built_again(name: str, tmp_path: Path) -> None:
    description = describe(composed(f"experiment={name}", "pool=images", folder=tmp_path))
    check_file(mapping_of(description["net"], "net"), NETS)
    data = mapping_of(description["config"], "config")["data"]
    data.pop("unlabelled")  # of training alone; never built from a file
    check_file(data, READERS)
    for node in [data["test_crops"], *data["pairs"].values()]:
        check_file(node, PAIRS)


def test_whatever_a_file_of_the_configuration_names_is_on_the_list() -> None:
    """Each way to say what a checkpoint keeps; what stays in a run is built in training alone."""
    groups = ("net", "backbone", "second", "redistort", "data", "distiller/teacher_pair")
    named = {
        target
        for group in groups
        for path in (conf_dir() / group).rglob("*.yaml")
        for target in re.findall(r"_target_: ([\w.]+)", path.read_text())
    }
    named = {
        one for one in named if not one.startswith(("kdiqa.data.unlabelled", "kdiqa.training"))
    }
    assert named - {*NETS, *READERS} == set()
    assert len(named) > 45


def test_the_list_has_no_name_that_leads_nowhere() -> None:
    listed = [*NETS, *READERS, *LABEL]
    assert len(listed) == len(set(listed))
    for name in listed:
        thing = get_object(name)
        assert name.startswith("albumentations.") or f"{thing.__module__}.{thing.__name__}" == name


def net_with(**parts: Any) -> dict[str, Any]:
    """Returns a net whose backbone is described otherwise; a path of keys is joined by __."""
    node = copy.deepcopy(POOLED)
    for path, value in parts.items():
        *parents, key = path.split("__")
        place: Any = node
        for parent in parents:
            place = place[parent]
        place[key] = value
    return node


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"backbone__name": "hf-hub:somebody/net"}, "the plain name of a timm model"),
        ({"backbone__name": "local-dir:net"}, "the plain name of a timm model"),
        ({"backbone__name": "../net"}, "the plain name of a timm model"),
        ({"backbone__name": 7}, "the plain name of a timm model"),
        ({"backbone__options": {"checkpoint_path": "x"}}, "no option of a net's here"),
        ({"backbone__options": {"pretrained_cfg": {"url": "x"}}}, "no option of a net's here"),
        ({"backbone__options": {"pretrained": True}}, "no option of a net's here"),
        ({"backbone__options": {"pretrained_cfg_overlay": {"url": "x"}}}, "other names"),
        ({"backbone__options": {"pretrained_cfg_overlay": {"mean": ["x"]}}}, "a number"),
        ({"backbone__options": {"bn_eps": "1e-3"}}, "a number"),
        ({"backbone__options": {"dynamic_img_size": 1}}, "true or false"),
        ({"backbone__options": 3}, "a mapping"),
        ({"backbone__frozen": "true"}, "true or false"),
        ({"backbone__frozen": 1}, "true or false"),
        ({"backbone__checkpoint_path": "x"}, "no argument of kdiqa.models.backbone.Backbone"),
        ({"backbone__pyramid": {**HEAD}}, "another part"),
        ({"backbone__pyramid__levels": True}, "a whole number"),
        ({"backbone__pyramid__levels": "2"}, "a whole number"),
        ({"backbone__pyramid__levels": 2.5}, "a whole number"),
        ({"backbone__pyramid__grid": 10**9}, "a whole number"),
        ({"backbone__pyramid__norm": "batch"}, "layer or none"),
        ({"backbone__pyramid__norm": None}, "layer or none"),
        ({"backbone": {"_target_": "kdiqa.models.levels.Levels"}}, "another part"),
        ({"head": {**HEAD, "_partial_": False, "in_dim": 2}}, "another part"),
        ({"head": {**HEAD, "_partial_": "yes"}}, "a class by name"),
        ({"head": {**HEAD, "_args_": [1]}}, "no argument of kdiqa.models.pooled.ScoreHead"),
        ({"head": {"_target_": ["a"]}}, "a class by name"),
        ({"hidden": "/etc/hostname"}, "a whole number or null"),
        ({"dropout": float("nan")}, "a number"),
        ({"dropout": "0.5"}, "a number"),
        ({"input_norm": "none", "tail": "text"}, "a part or null"),
    ],
)
def test_an_argument_of_another_type_is_refused(
    parts: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdiqa.config.from_file.built", None)  # and nothing is built before
    with pytest.raises(FileError, match=re.escape(message)):
        from_file(net_with(**parts), NETS)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"folder": "https://somewhere/images"}, "no path"),
        ({"folder": 3}, "no path"),
        ({"bank": [1, {"_target_": "os.system"}]}, "os.system"),
        ({"bank": True}, "a whole number"),
        ({"crops": {"_target_": "kdiqa.data.pairs.pairing.Reference"}}, "another part"),
        ({"seed_mode": "sometimes"}, "per_image or per_epoch or random"),
        ({"digest": "../x"}, "a plain word"),
    ],
)
def test_a_pairing_is_held_to_its_types_too(node: dict[str, Any], message: str) -> None:
    pool = {"_target_": "kdiqa.data.pairs.pool.Pool", "folder": "images"}
    check_file(pool, PAIRS)
    with pytest.raises(FileError, match=re.escape(message)):
        check_file(pool | node, PAIRS)


def test_a_path_stands_where_a_run_has_read_and_nowhere_else() -> None:
    reader = {"_target_": "kdiqa.data.readers.tid2013.TID2013", "root": "/data/tid2013"}
    check_file(reader, READERS)
    for key, value in {"name": "/x", "seed": "/x", "guard": "/x", "layout": "/x"}.items():
        with pytest.raises(FileError):
            check_file(reader | {key: value}, READERS)


def test_weights_are_random_and_caches_are_none_whatever_a_file_says(tmp_path: Path) -> None:
    tail = {"_target_": "kdiqa.models.tail.Tail", "_partial_": True, "name": "test_efficientnet"}
    for weights in ("hub", str(tmp_path), "hf-hub:somebody/net", ["x"], 3):
        cut = BACKBONE | {"name": "test_efficientnet", "options": {"out_indices": [1]}}
        cut["pyramid"] = BACKBONE["pyramid"] | {"levels": 1}
        node = net_with(backbone=cut | {"weights": weights}, tail=tail | {"weights": weights})
        assert from_file(node, NETS).tail is not None
    del node["tail"]["weights"], node["backbone"]["weights"]  # whose defaults are the hub's
    assert from_file(node, NETS).tail is not None
    pairing = {
        "_target_": "kdiqa.data.pairs.pairing.Redistorted",
        "pipeline": {"_target_": "kdiqa.distortions.redistort.official9"},
        "cache": str(tmp_path / "cache"),
    }
    assert from_file(pairing, PAIRS).cache is None


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket can be had, and nothing of the environment that a file could ask for."""

    def refuse(*words: Any, **options: Any) -> None:
        raise AssertionError("a socket was asked for")

    for name in ("socket", "create_connection", "getaddrinfo", "socketpair"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setenv("KDIQA_MARKER", "from the environment")


@pytest.mark.usefixtures("closed")
def test_loading_downloads_nothing_and_reads_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    original = os.environ.__class__.__getitem__
    monkeypatch.setattr(
        os.environ.__class__,
        "__getitem__",
        lambda env, key: (asked.append(key), original(env, key))[1],
    )
    image = picture(0, 64, 64)
    score = kdiqa.load(strangers.GOLDEN).score(image)
    node = mapping_of(strangers.golden()["kdiqa"]["net"], "net")
    node["backbone"]["weights"] = "hub"
    for suffix in (".ckpt", ".safetensors"):
        path = strangers.changed(tmp_path / f"hub{suffix}", net=strangers.net(node))
        assert kdiqa.load(path).score(image) == pytest.approx(score, abs=1e-6)
    text = "${oc.env:KDIQA_MARKER}"
    for part in ({"version": text}, {"config": strangers.config(root=text)}):
        with pytest.raises(ValueError, match="holds an interpolation"):
            kdiqa.load(strangers.changed(tmp_path / "asks.ckpt", **part))
    assert "KDIQA_MARKER" not in asked
    assert not [name for name in asked if str(name).startswith(("HF_", "HUGGING", "TORCH_HOME"))]


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("name", ["hf-hub:somebody/net", "resnet50.", "no_such_net"])
def test_a_net_that_timm_has_not_is_refused_offline(name: str, tmp_path: Path) -> None:
    node = mapping_of(strangers.golden()["kdiqa"]["net"], "net")
    node["backbone"]["name"] = name
    path = strangers.changed(tmp_path / "other.ckpt", net=strangers.net(node))
    with pytest.raises(ValueError, match=re.escape(f"Nothing of '{path}' is built: ")):
        kdiqa.load(path)


@pytest.fixture
def own_student(tmp_path: Path) -> Path:
    node = net_with(head=OWN_HEAD)
    made = instantiate(node, ("kdiqa.", "tests.training.own."))
    return strangers.student(tmp_path / "own.ckpt", node, made)


@pytest.mark.parametrize("allow", [[own.OwnHead], ["tests.training.own"], ["tests"]])
def test_ones_own_class_is_built_where_a_person_names_it(
    allow: list[Any], own_student: Path
) -> None:
    scorer: Any = kdiqa.load(own_student, allow=allow)
    assert type(scorer.net.head) is own.OwnHead
    assert 0 <= scorer.score(picture(0, 64, 64)) <= 1


@pytest.mark.parametrize("allow", [[], [own.OwnLoss], ["tests.training.ow"], ["kdiqa"]])
def test_ones_own_class_is_refused_where_nobody_names_it(
    allow: list[Any], own_student: Path
) -> None:
    message = REFUSED.format(own_student, "tests.training.own.OwnHead")
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kdiqa.load(own_student, allow=allow)


def test_a_file_cannot_allow_itself_anything(tmp_path: Path, own_student: Path) -> None:
    content = torch.load(own_student, weights_only=True)
    config = OmegaConf.create(content["kdiqa"]["config"])
    config.allow = ["tests"]
    path = tmp_path / "asks.ckpt"
    told = content["kdiqa"] | {"allow": ["tests"], "config": OmegaConf.to_yaml(config)}
    strangers.write(path, told, content["state_dict"])
    with pytest.raises(ValueError, match="name it yourself"):
        kdiqa.load(path)


def test_a_package_is_named_on_the_command_line(
    own_student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = str(write_image(tmp_path / "a.png", picture(0, 64, 64)))
    words = [image, "--model", str(own_student), "--workers", "0"]
    assert predict([*words, "--allow", "tests.training.own"]) == 0
    assert "a.png," in capsys.readouterr().out
    with pytest.raises(SystemExit):
        predict(words)
    assert "--allow mypackage for predict" in capsys.readouterr().err


def test_of_an_allowed_package_only_classes_are_built(own_student: Path) -> None:
    node = net_with(head=OWN_HEAD | {"_target_": "tests.training.own.build"})
    with pytest.raises(ValueError, match="none of the classes"):
        from_file(node, NETS, ["tests.training.own"])


def test_a_net_larger_than_its_weights_is_not_built(tmp_path: Path) -> None:
    node = mapping_of(strangers.golden()["kdiqa"]["net"], "net")
    node |= {"dim": 20_000, "depth": 40}
    path = strangers.changed(tmp_path / "large.ckpt", net=strangers.net(node))
    with pytest.raises(ValueError, match="far larger than the weights"):
        Checkpoint.read(path).net()


def test_every_option_of_a_preset_is_known() -> None:
    named = {
        key
        for path in (conf_dir() / "backbone").glob("*.yaml")
        for key in (OmegaConf.load(path).get("options") or {})
    }
    assert named <= set(buildable.OPTIONS)
    assert named
