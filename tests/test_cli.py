"""`kdiqa <verb>` is `python -m kdiqa.<verb>`, and answers at once where it needs no verb."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from kdiqa import __version__, cli


def test_help_names_every_verb_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for verb, does in cli.VERBS.items():
        assert f"  {verb:<12} {does}" in lines


def test_no_verb_is_a_wish_for_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["kdiqa"])
    assert cli.main() == 0
    assert capsys.readouterr().out == cli.HELP + "\n"


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"kdiqa {__version__}\n"


def test_a_misspelt_verb_is_a_usage_error_with_the_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["trian"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"kdiqa: no verb 'trian'\n{cli.USAGE}\n"


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_is_a_module_to_run(verb: str) -> None:
    spec = importlib.util.find_spec(f"kdiqa.{verb}")
    assert spec is not None
    if spec.submodule_search_locations:  # a package runs its __main__
        spec = importlib.util.find_spec(f"kdiqa.{verb}.__main__")
    assert spec is not None


def test_a_verbs_exit_code_is_the_scripts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kdiqa.cli", "report", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"kdiqa report: No run folder at '{tmp_path / 'nowhere'}'. A run prints where it is; list them"
        " with: ls -d logs/*/runs/*\n"
    )


def test_help_waits_for_no_library() -> None:
    heavy = "{'torch', 'lightning', 'hydra', 'numpy', 'pandas'}"
    code = (
        f"import sys, kdiqa.cli; kdiqa.cli.main(['--help']); assert not {heavy} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
