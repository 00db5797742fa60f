"""What is in a data set's folder: ``python -m kdiqa.doctor verify koniq10k /path/to/koniq10k``.

Exit code 0: fine. 1: something is wrong with the data. 2: something is wrong with what was typed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from kdiqa.config import quiet
from kdiqa.doctor import duplicates, listing, stats
from kdiqa.doctor.datasets import UsageError, card, data_module, names
from kdiqa.doctor.verify import verify

PROG = "python -m kdiqa.doctor"
SETTINGS = "Settings of the data set may follow as key=value, such as split=3 or label=raw."


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line asks for, and returns the exit code."""
    quiet()
    parser = _parser()
    # Settings may stand anywhere after the folder, which positional arguments may not.
    options, settings = parser.parse_known_args(arguments)
    strange = [word for word in settings if word.startswith("-") or "=" not in word]
    if strange or (settings and options.verb == "list"):
        parser.error(f"'{(strange or settings)[0]}' is no argument of {options.verb}.")
    try:
        return _run(options, settings)
    except UsageError as error:
        parser.error(str(error))
    except BrokenPipeError:  # whoever read the output has read enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace, settings: Sequence[str]) -> int:
    console = Console(highlight=False)
    if options.verb == "list":
        cards = [card(name) for name in ([options.name] if options.name else names())]
        if options.json:
            print(json.dumps(cards[0] if options.name else cards, indent=2))
        else:
            listing.show(console, cards, whole=options.name is not None)
        return 0
    data = data_module(options.name, options.root, settings)
    if options.verb == "verify":
        checks = verify(data, options.fast)
        if options.json:
            print(json.dumps(listing.as_plain(data, checks), indent=2))
        else:
            listing.show_checks(console, data, checks)
        return int(any(check.state == "fault" for check in checks))
    output = options.output or Path(f"doctor_{options.name}")
    if options.verb == "stats":
        found = stats.collect(data)
        made = stats.draw(data, found, output)
        if options.json:
            print(json.dumps(found.numbers | {"pictures": [str(p) for p in made]}, indent=2))
        else:
            stats.show(console, data, found, made)
        return 0
    return duplicates.run(console, data, options, output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROG, description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON and nothing else")
    folder = argparse.ArgumentParser(add_help=False, parents=[shared])
    folder.add_argument("name", metavar="NAME", help="of the data set, as in data=NAME")
    folder.add_argument("root", metavar="ROOT", type=Path, help="the folder it was unpacked to")

    listed = verbs.add_parser("list", help="what there is, and where from", parents=[shared])
    listed.add_argument("name", metavar="NAME", nargs="?", help="shows one whole, with its tree")
    checked = verbs.add_parser(
        "verify", help="all that is wrong with a folder", parents=[folder], epilog=SETTINGS
    )
    checked.add_argument(
        "--fast", action="store_true", help="look at the ends of each image, do not decode it"
    )
    told = {
        "stats": "scores, distortions, sizes, and a sheet of samples",
        "duplicates": "images that look alike",
    }
    for verb, does in told.items():
        made = verbs.add_parser(verb, help=does, parents=[folder], epilog=SETTINGS)
        made.add_argument(
            "-o", "--output", type=Path, help="folder of the pictures, default doctor_NAME"
        )
        if verb == "duplicates":
            duplicates.add_arguments(made)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
