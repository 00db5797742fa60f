"""What completes `kdiqa …` in a shell: the verbs, and the options of predict."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

SHELLS = ("bash", "zsh")
FILES = ("inputs", "model", "output", "sheet")  # arguments of predict that name files


def script(shell: str, verbs: Mapping[str, str]) -> str:
    """Returns a shell's script that completes the command.

    Args:
        shell: One of :data:`SHELLS`.
        verbs: Each with a line of what it does.

    Raises:
        ModuleNotFoundError: If shtab, which writes it, is not installed.
    """
    try:
        import shtab
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "completions are written by shtab, which is not installed. Type: pip install"
            " 'kdiqa[completion]'"
        ) from error
    command = argparse.ArgumentParser("kdiqa")
    command.add_argument("--version", action="store_true", help="print the version")
    command.add_argument("--print-completion", choices=SHELLS, help="print this script")
    below = command.add_subparsers()
    for verb, does in verbs.items():
        parents = [predict()] if verb == "predict" else []
        below.add_parser(verb, parents=parents, help=does, description=does, add_help=False)
    for action in below.choices["predict"]._actions:
        if action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(command, shell=shell))


def predict() -> argparse.ArgumentParser:
    """Returns predict's own options."""
    from kdiqa.predict import parser

    return parser()
