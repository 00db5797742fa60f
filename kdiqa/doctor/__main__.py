"""What is in a data set's folder: ``python -m kdiqa.doctor verify koniq10k /path/to/koniq10k``.

Exit code 0: fine. 1: something is wrong with the data. 2: something is wrong with what was typed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

SETTINGS = "Settings of the data set may follow as key=value, such as split=3 or label=raw."
VERBS = {
    "list": "what there is, and where from",
    "verify": "all that is wrong with a folder",
    "stats": "scores, distortions, sizes, and a sheet of samples",
    "duplicates": "different contents that look alike",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line asks for, and returns the exit code."""
    parser = _parser()
    # Settings may stand anywhere after the folder, which positional arguments may not.
    options, settings = parser.parse_known_args(arguments)
    strange = [word for word in settings if word.startswith("-") or "=" not in word]
    if strange or (settings and options.verb == "list"):
        parser.error(f"'{(strange or settings)[0]}' is no argument of {options.verb}.")
    try:
        # Imports that take seconds: --help need not wait for them, and Ctrl-C may come meanwhile.
        from kdiqa.doctor.command import run

        return run(options, settings, parser.error)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kdiqa doctor",
        description="What is in a data set's folder, and whether that is what it should be.",
        epilog="Exit code 0: fine. 1: something is wrong with the data. 2: with what was typed.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, does in VERBS.items():
        add = verbs.add_parser(
            verb, help=does, epilog=None if verb == "list" else SETTINGS
        ).add_argument
        add("--json", action="store_true", help="print JSON and nothing else")
        if verb == "list":
            add("name", metavar="NAME", nargs="?", help="shows one whole, with its tree")
            continue
        add("name", metavar="NAME", help="of the data set, as in data=NAME")
        add("root", metavar="ROOT", type=Path, help="the folder it was unpacked to")
        if verb == "verify":
            fast = "look at the ends of each image, do not decode it"
            add("--fast", action="store_true", help=fast)
        else:
            output = "folder of what is drawn, default doctor_NAME"
            add("-o", "--output", type=Path, help=output)
        if verb == "duplicates":
            images = "compare images, even where there are references"
            add("--images", action="store_true", help=images)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
