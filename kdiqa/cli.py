"""The console script: `kdiqa <verb> …` is `python -m kdiqa.<verb> …`.

Nothing but the standard library is imported here, so that help and a misspelt verb answer at once.
"""

import difflib
import runpy
import sys
from collections.abc import Sequence

from kdiqa import __version__

SHELLS = ("bash", "zsh")
VERBS = {
    "train": "train a teacher or a student: kdiqa train experiment=akd_demo",
    "evaluate": "a finished run on other data sets: kdiqa evaluate run=RUN data=[live,csiq]",
    "study": "many runs as one resumable command: kdiqa study experiments/NAME",
    "predict": "score images: kdiqa predict FOLDER -o scores.csv",
    "cost": "parameters, multiply-adds and milliseconds of a score: kdiqa cost RUN…",
    "export": "a student as ONNX, INT8, with its card: kdiqa export RUN -o model.onnx",
    "demo": "a page to try a student with, on this machine: kdiqa demo RUN",
    "report": "tables, figures and a page of finished runs: kdiqa report RUN_OR_STUDY…",
    "board": "the workspace of a project on Weights & Biases",
    "doctor": "data sets: where from, and what is wrong with a folder of one",
    "distortions": "one sheet of all distortions, or of the re-distortion presets",
    "jnd": "what an image hides: its just-noticeable differences, as an image",
    "kadis": "generate KADIS-700k's distorted images from its references",
}
USAGE = "usage: kdiqa VERB [ARGUMENTS]\n\n" + "\n".join(
    f"  {verb:<12} {does}" for verb, does in VERBS.items()
)
HELP = f"""No-reference image quality assessment, learnt from a full-reference teacher.

{USAGE}

kdiqa VERB --help tells more of each; kdiqa --version prints {__version__};
kdiqa --print-completion bash (or zsh) prints what completes these words in that shell."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a verb as its own module would run, and returns the exit code."""
    verb, *rest = arguments or sys.argv[1:] or ["--help"]
    if verb in ("-h", "--help"):
        print(HELP)
    elif verb == "--version":
        print(f"kdiqa {__version__}")
    elif verb == "--print-completion":
        return print_completion(*rest)
    elif verb in VERBS:
        sys.argv = [verb, *rest]  # Hydra, and Lightning's child processes, read it from here
        runpy.run_module(f"kdiqa.{verb}", run_name="__main__", alter_sys=True)
    else:
        near = difflib.get_close_matches(verb.casefold(), VERBS, 1)
        meant = f" Did you mean: kdiqa {near[0]}" if near else ""
        print(f"kdiqa: There is no verb '{verb}'.{meant}\n\n{USAGE}", file=sys.stderr)
        return 2
    return 0


def print_completion(*shells: str) -> int:
    """Prints a shell's completions, and returns the exit code."""
    if len(shells) != 1 or shells[0] not in SHELLS:
        given = " ".join(shells) or "nothing"
        print(f"kdiqa: --print-completion takes bash or zsh, not {given}.", file=sys.stderr)
        return 2
    from kdiqa.runtime.errors import require  # here: help waits for no library

    try:
        require("Completion", "completion", "shtab")
    except RuntimeError as error:
        print(f"kdiqa: {error}", file=sys.stderr)
        return 2
    print(completion(shells[0]))
    return 0


def completion(shell: str) -> str:
    """Returns the script of one of :data:`SHELLS`: it completes verbs and predict's options."""
    import argparse

    import shtab

    from kdiqa.predict import parser

    command = argparse.ArgumentParser("kdiqa")
    command.add_argument("--version", action="store_true", help="print the version")
    command.add_argument("--print-completion", choices=SHELLS, help="print this script")
    below = command.add_subparsers()
    for verb, does in VERBS.items():
        parents = [parser()] if verb == "predict" else []
        below.add_parser(verb, parents=parents, help=does, description=does, add_help=False)
    for action in below.choices["predict"]._actions:
        if action.dest in ("inputs", "model", "output", "sheet"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(command, shell=shell))


if __name__ == "__main__":
    raise SystemExit(main())
