"""What the doctor prints: of all data sets, of one, of one's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from kdiqa.doctor.verify import Check

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule

FIRST = 5  # files that are named on the console; --json names all
COLOUR = {"fine": "green", "note": "yellow", "fault": "bold red"}
INDENT = f"\n{'':<21}"


def show(console: Console, cards: Sequence[Mapping[str, Any]]) -> None:
    """Prints what there is, three lines a data set."""
    for one in cards:
        images = f"{one['images']:,}".replace(",", " ") + " images" if one["images"] else ""
        contents = f"{one['contents']} contents" if one["contents"] else ""
        head = f"{one['name']:<13}{images:>14} {contents:>14}  {_scale(one)}"
        source = f"from {one['homepage']}; {one['licence']}" if one["homepage"] else one["licence"]
        text = Text.assemble((head, "bold"), ("  here" if one["here"] else "", "green"))
        console.print(text.append("".join(f"\n  {s}" for s in (one["summary"], source) if s)))
    console.print(
        "\n↑ higher is better, ↓ lower; here: in the folder that KDIQA_DATA names.\n"
        "One whole, with the files to expect: python -m kdiqa.doctor list NAME"
    )


def sheet(card: Mapping[str, Any]) -> str:
    """Returns all that is known of a data set."""
    here = f"is in {card['root']}"
    if not card["here"]:
        where = "set KDIQA_DATA to the folder of all data sets, or data.root to this one's"
        unpack = f"unpack it to {card['root']}, or set data.root"
        here = f"is not there yet: {unpack if card['root'] else where}"
    facts, known = card["facts"], "nothing on record"
    if facts:
        known = (
            f"{facts['images']} images, scores from {facts['lowest']:g} to {facts['highest']:g}, "
            f"mean {facts['mean']:g}"
        )
        known += f", {facts['contents']} contents" if facts["contents"] else ""
    lines = [
        f"{card['name']}: {card['summary']}",
        f"  from      {card['homepage'] or '–'}",
        f"  licence   {card['licence'] or '–'}",
        f"  scores    {_scale(card, words=True)}",
        f"  whole     {known}",
        f"  here      {here}",
        "  files to expect, letter case and one folder around them do not matter:",
        *(f"    {line}" for line in card["layout"] or ["(not stated)"]),
    ]
    return "\n".join(lines)


def show_checks(console: Console, data: IQADataModule, checks: Sequence[Check]) -> None:
    """Prints what was found, a line a check, with the first files of each."""
    console.print(f"{type(data).__name__} in '{data.root}'")
    for check in checks:
        text = Text.assemble("  ", (f"{check.state:<7}", COLOUR[check.state]), f"{check.name:<12}")
        text.append(check.message.replace("\n", INDENT))
        text.append("".join(f"{INDENT}{file}" for file in check.files[:FIRST]))
        if len(check.files) > FIRST:
            text.append(f"{INDENT}… and {len(check.files) - FIRST} more; --json names all")
        console.print(text)
    faults = sum(check.state == "fault" for check in checks)
    verdict = ("Nothing is wrong.", "One fault.")[faults] if faults < 2 else f"{faults} faults."
    console.print(verdict, style=COLOUR["fault" if faults else "fine"])


def _scale(card: Mapping[str, Any], words: bool = False) -> str:
    if card["lowest"] is None:
        return "none"
    ends = f"{card['lowest']:g} to {card['highest']:g}"
    if words:
        return f"{ends}, {card['better']} is better"
    return f"{ends} {'↓' if card['better'] == 'lower' else '↑'}"
