"""An installation holds all that a checkout does, and composes an experiment far away from it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kdiqa import __version__
from tests.fakes import picture, write

ROOT = Path(__file__).parents[1]
CONFIGS = {path.relative_to(ROOT).as_posix() for path in (ROOT / "conf").rglob("*.yaml")}
PAGE = {f"kdiqa/report/templates/page.{kind}" for kind in ("html", "css")}
BUNDLED = {f"kdiqa/bundled/{name}.safetensors" for name in ("photo", "synthetic")}
PAGES = {path.relative_to(ROOT).as_posix() for path in (ROOT / "kdiqa").rglob("*.md")}
MODULES = {path.relative_to(ROOT).as_posix() for path in (ROOT / "kdiqa").rglob("*.py")}

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network by the build backend that is installed."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_wheel_carries_the_package_its_configs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"kdiqa-{__version__}.dist-info/"
    assert {f"kdiqa/{name}" for name in CONFIGS} | MODULES | PAGES | PAGE | BUNDLED | {
        "kdiqa/py.typed"
    } <= names
    assert info + "licenses/LICENSE" in names
    assert {name.split("/")[0] + "/" for name in names} == {"kdiqa/", info}


def test_wheel_names_the_console_script(wheel: Path) -> None:
    info = f"kdiqa-{__version__}.dist-info/entry_points.txt"
    entries = zipfile.ZipFile(wheel).read(info).decode()
    assert "kdiqa = kdiqa.cli:main" in entries


@pytest.mark.parametrize("command", [["-m", "kdiqa.train"], ["-m", "kdiqa.cli", "train"]])
def test_installed_package_composes_an_experiment_in_an_empty_folder(
    wheel: Path, tmp_path: Path, command: list[str]
) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    zipfile.ZipFile(wheel).extractall(site)
    empty.mkdir()
    done = subprocess.run(
        [sys.executable, *command, "experiment=akd_demo", "--cfg", "job"],
        cwd=empty,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "_target_: kdiqa." in done.stdout
    assert list(empty.iterdir()) == []


def test_python_finds_the_unpacked_wheel_before_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    where = "import kdiqa.config.compose as c; print(c.conf_dir())"
    done = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "kdiqa" / "conf"), done.stderr


def test_an_unpacked_wheel_scores_at_once(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    zipfile.ZipFile(wheel).extractall(site)
    empty.mkdir()
    write(empty / "photo.png", picture(1, 60, 80))
    done = subprocess.run(
        [sys.executable, "-m", "kdiqa.cli", "predict", "photo.png", "--workers", "0"],
        cwd=empty,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    head, row = done.stdout.splitlines()
    assert head == "image,score,units,error,model"
    assert 0 <= float(row.split(",")[1]) <= 1
