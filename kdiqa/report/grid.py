"""A table of text cells, and how it is written for the console, Markdown, LaTeX; how numbers look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.markup import escape
from rich.table import Table

NONE = "–"
SPARE = (  # what a narrow console does without, the first first
    *("images", "KRCC", "PLCC fit", "RMSE", "± std", "PLCC", "SRCC mean"),
    *("95 % over runs", "95 % over images", "p runs", "p Steiger", "p images"),
)


@dataclass(frozen=True)
class Grid:
    """A table of text: the first column names the row, the others are numbers."""

    caption: str  # what it shows
    head: Sequence[str]  # of all columns but the first, which has none
    rows: Sequence[Sequence[str]]  # each with its name first
    notes: Sequence[str] = ()  # printed below
    words: Sequence[str] = ()  # which columns hold words and not numbers

    def console(self, width: int | None = None) -> Table:
        """Returns the grid as a table of the console.

        Args:
            width: what it has to fit into, by leaving out the least needed columns.
        """
        table = Table("", title=escape(self.caption) or None, title_justify="left")
        table.columns[0].min_width = max((len(row[0]) for row in self.rows), default=0)
        for index, name in enumerate(self.head, start=1):
            if name in self.words:
                table.add_column(escape(name))
                continue
            widest = max(len(row[index]) for row in [("", *self.head), *self.rows])
            table.add_column(escape(name), justify="right", no_wrap=True, min_width=widest)
        for row in self.rows:
            table.add_row(*map(escape, row))
        spare = next((name for name in SPARE if name in self.head), None)
        needed = sum((column.min_width or 0) + 3 for column in table.columns) + 1
        if width is None or spare is None or needed <= width:
            return table
        return self.without(spare).console(width)

    def filled(self) -> Grid:
        """Returns the grid less the columns in which no row has anything."""
        grid = self
        for index, name in enumerate(self.head, start=1):
            if self.rows and all(row[index] in (NONE, "") for row in self.rows):
                grid = grid.without(name)
        return grid

    def without(self, name: str) -> Grid:
        """Returns the grid less one column."""
        index = self.head.index(name)
        rows = [[*row[: index + 1], *row[index + 2 :]] for row in self.rows]
        return replace(self, head=[*self.head[:index], *self.head[index + 1 :]], rows=rows)

    def markdown(self) -> str:
        """Returns the grid in Markdown."""
        caption = [f"**{self.caption}**\n"] if self.caption else []
        head = f"| | {' | '.join(self.head)} |"
        rule = f"|---|{''.join('---|' if name in self.words else '---:|' for name in self.head)}"
        rows = [f"| {' | '.join(cell.replace('|', '∣') for cell in row)} |" for row in self.rows]
        return "\n".join([*caption, head, rule, *rows, *(f"\n{note}" for note in self.notes)])

    def latex(self) -> str:
        r"""Returns the grid in LaTeX; it needs `\usepackage{booktabs}`."""
        columns = "".join("l" if name in self.words else "r" for name in self.head)
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{tex(self.caption)}}}",
            rf"\begin{{tabular}}{{l{columns}}}",
            r"\toprule",
            rf"& {' & '.join(map(tex, self.head))} \\",
            r"\midrule",
            *(rf"{' & '.join(map(tex, row))} \\" for row in self.rows),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\footnotesize {tex(note)}" for note in self.notes),
            r"\end{table}",
        ]
        return "\n".join(lines)


def tex(text: str) -> str:
    r"""Returns text with what LaTeX would read otherwise escaped.

    Example:
        >>> print(tex("95 % of student_a, −0.1 ± 0.2"))
        95 \% of student\_a, $-$0.1 $\pm$ 0.2
    """
    escaped: dict[str, str | int | None] = {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$",
        "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "–": "--", "−": "$-$", "±": r"$\pm$", "†": r"$\dagger$", "→": r"$\to$", "<": "$<$",
        "≥": r"$\geq$",
    }  # fmt: skip
    return text.translate(str.maketrans(escaped))


def number(value: float | str | None, sign: bool = False) -> str:
    """Returns a measure to three decimals, with a true minus; a word in its place as it is.

    Example:
        >>> number(-0.12345), number(0.5, sign=True), number(None)
        ('−0.123', '+0.500', '–')
    """
    if isinstance(value, str):
        return value
    return NONE if value is None else f"{value:{'+' * sign}.3f}".replace("-", "−")


def interval(row: Mapping[str, Any], of: str | None = None, sign: bool = False) -> str:
    """Returns the bounds of an interval, where it is over what is named."""
    if row.get("low") is None or row.get("high") is None or of not in (None, row.get("of")):
        return NONE
    return f"{number(row['low'], sign)} to {number(row['high'], sign)}"


def probability(p: float | None) -> str:
    """Returns a p-value, as far as its resamples resolve it."""
    return NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(images: Sequence[int]) -> str:
    """Returns how many images a run was tested on, or from how many to how many."""
    return " to ".join(dict.fromkeys(str(n) for n in (*images[:1], *images[-1:]))) or NONE
