"""The page in a real browser: nothing to complain of, and nothing wider than the window."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdiqa import report
from tests.report.browser import Browser, installed
from tests.report.made import write_runs

PROGRAM = installed()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PROGRAM is None, reason="no Chromium; install it with: apt-get install chromium"
    ),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    write_runs(folder, splits=1, seeds=2)
    path = folder / "page.html"
    assert report.main([str(folder / "runs"), "--no-figures", "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_opens_quietly_and_is_no_wider_than_the_window(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    assert browser.open(page, width, dark) == []
    assert browser.ask("innerWidth") == width
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask("document.querySelectorAll('img').length") > 10
    assert browser.ask("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    paper = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark


def test_wide_tables_scroll_inside_their_box_on_a_phone(browser: Browser, page: Path) -> None:
    browser.open(page, 390)
    box = "[...document.querySelectorAll('.scroll')]"
    assert browser.ask(f"{box}.some(box => box.scrollWidth > box.clientWidth)")
    assert browser.ask(f"{box}.every(box => box.getBoundingClientRect().right <= innerWidth)")


def test_every_link_of_the_contents_leads_somewhere(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    links = "[...document.querySelectorAll('nav a')]"
    assert browser.ask(f"{links}.length") >= 7
    assert browser.ask(f"{links}.every(a => document.querySelector(a.getAttribute('href')))")


def test_a_page_that_is_wrong_is_noticed(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "wrong.html"
    path.write_text(
        "<div style='width: 2000px'>wide</div><img src='absent.png'><script>nonsense()</script>"
    )
    told = " ".join(browser.open(path, 1280))
    assert "nonsense is not defined" in told
    assert "absent.png" in told
    assert browser.ask("document.documentElement.scrollWidth") == pytest.approx(2008, abs=20)


def test_the_page_prints_on_paper_whatever_the_screen(browser: Browser, page: Path) -> None:
    browser.open(page, 800, dark=True, media="print")
    assert browser.ask("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    box = "[...document.querySelectorAll('table')]"
    assert browser.ask(f"{box}.every(t => t.getBoundingClientRect().right <= innerWidth)")
    assert base64.b64decode(browser("Page.printToPDF")["data"]).startswith(b"%PDF")
