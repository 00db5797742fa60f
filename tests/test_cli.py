"""`kdiqa <verb>` is `python -m kdiqa.<verb>`, and answers at once where it needs no verb."""

import importlib.util
import shutil
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


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trian", " Did you mean: kdiqa train"),
        ("Predcit", " Did you mean: kdiqa predict"),
        ("evalute", " Did you mean: kdiqa evaluate"),
        ("photographs", ""),
    ],
)
def test_a_misspelt_verb_is_answered_by_the_nearest_before_the_list(
    capsys: pytest.CaptureFixture[str], typed: str, meant: str
) -> None:
    assert cli.main([typed]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    first, blank, *usage = printed.err.splitlines()
    assert first == f"kdiqa: There is no verb '{typed}'.{meant}"
    assert (blank, usage[:2]) == ("", ["usage: kdiqa VERB [ARGUMENTS]", ""])
    assert [line.split()[0] for line in usage[2:]] == list(cli.VERBS)


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


@pytest.mark.parametrize("word", ["--help", "trian"])
def test_help_and_a_misspelt_verb_wait_for_no_library(word: str) -> None:
    heavy = "{'torch', 'lightning', 'hydra', 'numpy', 'pandas', 'rich'}"
    code = (
        f"import sys, kdiqa.cli; kdiqa.cli.main(['{word}']); assert not {heavy} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_completions_are_for_two_shells(capsys: pytest.CaptureFixture[str]) -> None:
    for words, given in ((["fish"], "fish"), ([], "nothing"), (["bash", "zsh"], "bash zsh")):
        assert cli.main(["--print-completion", *words]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err == f"kdiqa: --print-completion takes bash or zsh, not {given}.\n"


def test_completions_need_shtab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["--print-completion", "zsh"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "kdiqa: Completion needs shtab, which is not installed. Type: pip install"
        " 'kdiqa[completion]'\n"
    )


def completed(script: Path, folder: Path, *words: str) -> list[str]:
    """Returns what bash offers where the last word is being typed."""
    line = " ".join(f"'{word}'" for word in words)
    code = (
        f"source '{script}'; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _shtab_kdiqa kdiqa"
        f" '{words[-1]}' '{words[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    shell = ["bash", "--norc", "-c", code]
    done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_verbs_options_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--print-completion", "bash"]) == 0
    script = tmp_path / "kdiqa"
    script.write_text(capsys.readouterr().out)
    assert completed(script, tmp_path, "kdiqa", "") == list(cli.VERBS)
    starting = [verb for verb in cli.VERBS if verb.startswith("d")]
    assert completed(script, tmp_path, "kdiqa", "d") == starting
    options = completed(script, tmp_path, "kdiqa", "predict", "--")
    assert {"--model", "--card", "--output", "--json", "--sheet"} <= set(options)
    (tmp_path / "photo.jpg").touch()
    for before in (["predict"], ["predict", "--model"], ["predict", "-o"]):
        assert completed(script, tmp_path, "kdiqa", *before, "ph") == ["photo.jpg"]


def test_zsh_has_every_verb_and_predicts_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--print-completion", "zsh"]) == 0
    script = capsys.readouterr().out
    assert script.startswith("#compdef kdiqa\n")
    for verb in cli.VERBS:
        assert f"    {verb}:'" in script
    for option in ("--model", "--card", "--json", "--sheet", "--batch-size", "--workers"):
        assert f"{option}[" in script
    assert ":CKPT:_files" in script
