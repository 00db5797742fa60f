"""What all tests share: one thread, tiny data sets, and the real samples where there are any."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from kdiqa.data.images.read import read_rgb
from kdiqa.data.readers.biq2021 import BIQ2021
from tests import forked
from tests.fakes import write, write_all
from tests.runs import write_weights

REPOSITORY = Path(__file__).resolve().parents[1]

# A shell's background jobs ignore Ctrl-C, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(1)  # several test runs share the cores; tiny nets gain nothing by more


def pytest_configure(config: pytest.Config) -> None:
    """Makes ``sys.executable`` one that forks what has loaded the libraries; one for all workers."""
    if sys.platform != "linux":
        return
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="kdiqa-")
        server = forked.begin(Path(folder.name))
        config.add_cleanup(lambda: (server.communicate(), folder.cleanup()))
        if config.getoption("numprocesses", None):
            return  # the workers are started by the real one
    sys.executable = os.environ[forked.VARIABLE]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files that start commands first: a worker that takes one last would end alone."""
    long = {item.path for item in items if item.get_closest_marker("process")}
    items.sort(key=lambda item: item.path not in long)  # stable: files stay together


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps what the guard remembers of pictures out of the user's own cache."""
    os.environ["KDIQA_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def fake_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of all fakes, one folder a data set; nobody may change it."""
    return write_all(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Returns the folder of real samples that lie beside some checkouts."""
    path = REPOSITORY.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"no real samples in '{path}'; the fakes are tested all the same")
    return path


@pytest.fixture
def photographs(fake_data: Path, tmp_path: Path) -> BIQ2021:
    """Returns photographs of which one stands in train and, re-encoded, in test."""
    root = tmp_path / "biq2021"
    shutil.copytree(fake_data / "biq2021", root)
    data = BIQ2021(root)
    data.setup()
    train, test = (data.records[data.positions(part)[0]].image for part in ("train", "test"))
    write(test, read_rgb(train)[::2, ::2])
    return data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder for what a module's tests share: weights, a teacher, a student."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def common(home: Path, fake_data: Path) -> tuple[str, ...]:
    """Returns the overrides that let a tiny net train on TID2013's fake."""
    weights = write_weights(home / "weights.pth")
    return (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")
