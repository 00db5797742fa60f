"""One table, written three ways."""

import io
import re

import pytest
from rich.console import Console

from kdiqa.report.grid import Grid, probability

GRID = Grid(
    "50 % of a_b",
    ["SRCC", "95 % over images", "KRCC", "protocol"],
    [
        ["plain", "0.812", "0.800 to 0.824", "0.700", "80/20; median"],
        ["odd & {x} | y\\z (±1) #2 ~ $5 ^", "−0.100*", "–", "–", "70/10/20"],
    ],
    notes=["† p < 0.05"],
    words=["protocol"],
)


def test_latex_escapes_all_that_it_would_read_otherwise() -> None:
    latex = GRID.latex()
    assert r"\begin{tabular}{lrrrl}" in latex
    assert r"\caption{50 \% of a\_b}" in latex
    row = (
        r"odd \& \{x\} | y\textbackslash{}z ($\pm$1) \#2 \textasciitilde{} \$5 \textasciicircum{}"
    )
    assert rf"{row} & $-$0.100* & -- & -- & 70/10/20 \\" in latex
    lines = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert [len(re.findall(r"(?<!\\)&", line)) for line in lines] == [4, 4, 4]
    assert latex.isascii()


def test_markdown_keeps_a_cell_a_cell() -> None:
    lines = [line for line in GRID.markdown().splitlines() if line.startswith("|")]
    assert lines[1] == "|---|---:|---:|---:|---|"
    assert {line.count("|") for line in lines} == {6}


@pytest.mark.parametrize("width", [60, 70, 71, 100])
def test_a_narrow_console_gets_whole_numbers_and_fewer_columns(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    console.print(Grid("", GRID.head[:3], [row[:4] for row in GRID.rows]).console(width))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "0.812" in printed
    assert "…" not in printed
    assert ("KRCC" in printed) is (width >= 71)


def test_columns_of_nothing_are_left_out() -> None:
    grid = Grid("", ["a", "b"], [["x", "–", "1"], ["y", "–", "–"]])
    assert grid.filled() == Grid("", ["b"], [["x", "1"], ["y", "–"]])


def test_a_bootstrap_p_is_not_said_to_be_zero() -> None:
    assert [probability(p) for p in (None, 0.0, 0.00099, 0.0314, 1.0)] == [
        "–", "< 0.001", "< 0.001", "0.031", "1.000",
    ]  # fmt: skip
