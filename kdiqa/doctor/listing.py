"""What the doctor says on the console: of all data sets, of one, of one's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from kdiqa.doctor.verify import Check

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule

FIRST = 5  # files that are named on the console; --json names all
COLOUR = {"fine": "green", "note": "yellow", "fault": "bold red"}


def show(console: Console, cards: Sequence[Mapping[str, Any]], whole: bool = False) -> None:
    """Prints what there is, three lines a data set, or all that is known of a single one."""
    if whole:
        for line in sheet(cards[0]):
            console.print(Text(line), soft_wrap=True)
        return
    for one in cards:
        images = f"{_count(one['images']):>7} images" if one["images"] else " " * 14
        contents = f"{one['contents']:>5} contents" if one["contents"] else " " * 14
        head = f"{one['name']:<13}{images} {contents}  {_scale(one)}"
        source = f"from {one['homepage']}; {one['licence']}" if one["homepage"] else one["licence"]
        lines = [line for line in (one["summary"], source) if line]
        text = Text.assemble((head, "bold"), ("  here" if one["here"] else "", "green"))
        for line in lines:
            text.append(f"\n  {line}")
        console.print(text, soft_wrap=True)
    console.print(
        "\n↑ higher is better, ↓ lower; here: in the folder that KDIQA_DATA names.\n"
        "One whole, with the files to expect: python -m kdiqa.doctor list NAME",
        soft_wrap=True,
    )


def sheet(card: Mapping[str, Any]) -> list[str]:
    """Returns the lines that tell all that is known of a data set."""
    here = f"is in {card['root']}" if card["here"] else "is not there yet"
    where = "set KDIQA_DATA to the folder of all data sets, or data.root to this one's"
    if not card["here"] and card["root"]:
        where = f"unpack it to {card['root']}, or set data.root"
    facts = card["facts"]
    known = "nothing on record"
    if facts:
        known = (
            f"{facts['images']} images, scores from {facts['lowest']:g} to {facts['highest']:g}, "
            f"mean {facts['mean']:g}"
        )
        known += f", {facts['contents']} contents" if facts["contents"] else ""
    return [
        f"{card['name']}: {card['summary']}",
        f"  from      {card['homepage'] or '–'}",
        f"  licence   {card['licence'] or '–'}",
        f"  scores    {_scale(card, words=True)}",
        f"  whole     {known}",
        f"  here      {here}" + ("" if card["here"] else f": {where}"),
        "  files to expect, letter case and one folder around them do not matter:",
        *(f"    {line}" for line in card["layout"] or ["(not stated)"]),
    ]


def show_checks(console: Console, data: IQADataModule, checks: Sequence[Check]) -> None:
    """Prints what was found, a line a check, with the first files of each."""
    console.print(Text(f"{type(data).__name__} in '{data.root}'"), soft_wrap=True)
    for check in checks:
        line = Text.assemble(
            "  ", (f"{check.state:<7}", COLOUR[check.state]), f"{check.name:<12}"
        ).append(check.message.replace("\n", f"\n{'':<21}"))
        console.print(line, soft_wrap=True)
        for file in check.files[:FIRST]:
            console.print(Text(f"{'':<21}{file}"), soft_wrap=True)
        if len(check.files) > FIRST:
            more = len(check.files) - FIRST
            console.print(Text(f"{'':<21}… and {more} more; --json names all"))
    faults = sum(check.state == "fault" for check in checks)
    verdict = ("Nothing is wrong.", "One fault.")[faults] if faults < 2 else f"{faults} faults."
    console.print(Text(verdict, COLOUR["fault" if faults else "fine"]))


def as_plain(data: IQADataModule, checks: Sequence[Check]) -> dict[str, Any]:
    """Returns what was found in plain containers."""
    return {
        "name": data.name,
        "root": str(data.root),
        "fine": all(check.state != "fault" for check in checks),
        "checks": [asdict(check) for check in checks],
    }


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _scale(card: Mapping[str, Any], words: bool = False) -> str:
    if card["lowest"] is None:
        return "none"
    ends = f"{card['lowest']:g} to {card['highest']:g}"
    if words:
        return f"{ends}, {card['better']} is better"
    return f"{ends} {'↓' if card['better'] == 'lower' else '↑'}"
