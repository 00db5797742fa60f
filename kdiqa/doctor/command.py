"""What the doctor's verbs do, once it is clear what was typed."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from kdiqa.data.datamodule import IQADataModule
from kdiqa.doctor import duplicates, listing, stats
from kdiqa.doctor.datasets import UsageError, card, data_module, names
from kdiqa.doctor.verify import verify
from kdiqa.runtime.quiet import quiet


def run(
    options: argparse.Namespace, settings: Sequence[str], wrong: Callable[[str], NoReturn]
) -> int:
    """Does what was typed, and returns the exit code.

    Args:
        options: The verb and its arguments.
        settings: Of the data set, each as ``key=value``.
        wrong: Ends the program over what was typed.
    """
    quiet()
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    try:
        if options.verb == "list":
            return _list(console, options)
        data = data_module(options.name, options.root, settings)
        if options.verb == "verify":
            return _verify(console, data, options)
        output = options.output or Path(f"doctor_{options.name}")
        verb = stats.run if options.verb == "stats" else duplicates.run
        return verb(console, data, options, output)
    except UsageError as error:
        wrong(str(error))
    except BrokenPipeError:  # whoever read the output has read enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError) as error:
        print(f"kdiqa doctor: {error}", file=sys.stderr)
        return 1


def _list(console: Console, options: argparse.Namespace) -> int:
    cards = [card(name) for name in ([options.name] if options.name else names())]
    if options.json:
        print(json.dumps(cards[0] if options.name else cards, indent=2))
    elif options.name:
        console.print(listing.sheet(cards[0]))
    else:
        listing.show(console, cards)
    return 0


def _verify(console: Console, data: IQADataModule, options: argparse.Namespace) -> int:
    checks = verify(data, options.fast)
    wrong = any(check.state == "fault" for check in checks)
    if options.json:
        found = {"name": data.name, "root": str(data.root), "fine": not wrong}
        print(json.dumps(found | {"checks": [asdict(check) for check in checks]}, indent=2))
    else:
        listing.show_checks(console, data, checks)
    return int(wrong)
