"""Docstrings as Markdown knows them: examples, equations and references of ours are Sphinx's."""

from __future__ import annotations

import re
from typing import Any

import griffe

EQUATION = re.compile(r"^( *)\.\. math::(.*(?:\n\1 +\S.*)*)", re.M)
REFERENCE = re.compile(r"^( +)\| ", re.M)


class AsMarkdown(griffe.Extension):
    """Rewrites every docstring before it is read."""

    def on_object(self, *, obj: griffe.Object, **unused: Any) -> None:
        """Rewrites an object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = rewritten(obj.docstring.value)


def rewritten(text: str) -> str:
    """Returns a docstring with examples, equations and references as Markdown has them."""
    text = re.sub(r"^( *)Example:$", r"\1Examples:", text, flags=re.M)
    text = EQUATION.sub(
        lambda found: f"{found[1]}```text\n{found[1]}{found[2]}\n{found[1]}```", text
    )
    return REFERENCE.sub(r"\1- ", text)
