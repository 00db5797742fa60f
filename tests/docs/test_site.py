"""The documentation builds without a warning, holds the whole package, and fetches nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the extra docs is not installed")
pytest.importorskip("mkdocstrings", reason="the extra docs is not installed")

ROOT = Path(__file__).parents[2]
FETCHING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}

pytestmark = pytest.mark.process


class Fetched(HTMLParser):
    """What a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in FETCHING and told.get("rel") not in ("canonical", "prev", "next"):
            self.found.append(told.get(FETCHING[tag]) or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_and_every_module_is_there(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs")).with_suffix(".html").is_file(), page
    systems = {page.stem for page in (site / "systems").glob("*.html")}
    assert systems == {"akd", "cvrkd", "ganiqa", "qfm", "sskd"}
    shown = "".join(page.read_text() for page in (site / "reference").glob("*.html"))
    for module in (
        "kdiqa.files.atomic",
        "kdiqa.systems.akd.net",
        "kdiqa.data.readers.folder",
        "kdiqa.files.lock",
    ):
        assert f'id="{module}"' in shown, module


def test_docstrings_are_shown_as_markdown(site: Path) -> None:
    shown = "".join(page.read_text() for page in (site / "reference").glob("*.html"))
    text = re.sub(r"<pre.*?</pre>", "", shown, flags=re.S)
    assert not re.findall(r":(?:class|func|meth|math|mod|attr|data):<code", text)
    assert ".. math::" not in text


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        parser = Fetched()
        parser.feed(page.read_text())
        away = [address for address in parser.found if re.match(r"(https?:)?//", address)]
        assert not away, (page, away)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"""(@import|url\()\s*['"]?(https?:)?//""", sheet.read_text()), sheet
