"""Every command of a page, or of a configuration's comments, composes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kdiqa.config.compose import compose, conf_dir
from kdiqa.config.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(
        path
        for folder in ("docs", "experiments", "kdiqa")
        for path in (ROOT / folder).rglob("*.md")
    ),
    *(path for folder in ("conf", "experiments") for path in (ROOT / folder).rglob("*.yaml")),
]
COMMAND = re.compile(r"(?:python -m kdiqa\.train|kdiqa train) ([^`\n|)]*)")


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """Returns the words of each command, by the page it stands on; what stands for a value is one."""
    found = []
    for page in PAGES:
        if (
            page.name == "CHANGELOG.md" or page.parent.name == "tutorials"
        ):  # they add files of their own
            continue
        for line in COMMAND.findall(page.read_text("utf-8").replace("\\\n", " ")):
            try:
                words = shlex.split(line, comments=True)
            except ValueError:  # a quotation that goes on in the text
                continue
            kept = [word for word in words if re.match(r"[+~]*[a-z][\w./@]*=[^…]*$", word)]
            if kept and not any(word.startswith("--") for word in words):
                found.append((str(page.relative_to(ROOT)), tuple(kept)))
    return sorted(set(found))


def test_there_are_commands() -> None:
    assert len(commands()) > 30


@pytest.mark.parametrize(("page", "words"), commands())
def test_a_command_composes(page: str, words: tuple[str, ...]) -> None:
    assert Vocabulary.of(conf_dir()).answers(words) == []
    plain = [
        re.sub(r"=(range\(.*|(\w+)(,\w+)+)$", lambda m: f"={m.group(2) or 0}", w) for w in words
    ]
    assert compose([*plain])
