"""The page in a real browser: a picture goes in, its score comes out, and nobody else is asked."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import kdiqa
from tests.fakes import picture, write
from tests.report.browser import Browser, installed
from tests.waiting import PATIENCE

PROGRAM = installed()
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        PROGRAM is None, reason="no Chromium; install it with: apt-get install chromium"
    ),
]


@pytest.fixture(scope="module")
def address(trained: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "kdiqa.demo", str(trained), "--port", "0"]
    # A network that is out of reach: whoever asks it fails, and the page must not.
    nowhere = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy")}
    served = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | nowhere,
    )
    assert served.stdout is not None
    line = served.stdout.readline()
    match = re.fullmatch(r"(http://127\.0\.0\.1:\d+) – Ctrl-C ends it\n", line)
    assert match, (line, served.stderr and served.stderr.read())
    yield match[1]
    served.send_signal(signal.SIGINT)
    assert served.communicate(timeout=PATIENCE) == ("", "\nEnded.\n")
    assert served.returncode == 0


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        size = {"width": 1280, "height": 1600, "deviceScaleFactor": 1, "mobile": False}
        browser("Emulation.setDeviceMetricsOverride", **size)
        browser("Page.navigate", url=address)
        until(browser, "document.querySelector('#given input[type=file]') !== null")
        yield browser


def until(browser: Browser, expression: str, seconds: float = PATIENCE) -> None:
    """Waits for an expression of JavaScript to hold."""
    end = time.monotonic() + seconds
    while not browser.ask(expression):
        assert time.monotonic() < end, browser.ask("document.body.innerText")
        time.sleep(0.1)


def drop(browser: Browser, path: Path) -> None:
    """Gives the page a file, in place of the one it has."""
    clear = "document.querySelector('#given button[aria-label=Clear]')"
    if browser.ask(f"{clear} !== null"):
        browser.ask(f"{clear}.click() === undefined")
        until(browser, "document.querySelector('#score').innerText.includes('Drop an image')")
    until(browser, "document.querySelector('#given input[type=file]') !== null")
    root = browser("DOM.getDocument")["root"]["nodeId"]
    field = browser("DOM.querySelector", nodeId=root, selector="#given input[type=file]")
    browser("DOM.setFileInputFiles", files=[str(path)], nodeId=field["nodeId"])


def test_an_image_gets_its_score_its_map_and_its_ladder(
    browser: Browser, trained: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "a photograph.png", picture(1, 150, 200))
    score = kdiqa.load(trained).score(path)
    drop(browser, path)
    until(browser, f"document.querySelector('#score').innerText.includes('{score:.3f}')")
    said = browser.ask("document.querySelector('#score').innerText")
    assert f"{9 * score:.3g} in the units of the MOS it learnt from, from 0 (worst) to 9" in said
    assert "200×150 pixels" in said
    for name in ("map", "ladder", "steps"):
        image = f"document.querySelector('#{name} img')"
        until(browser, f"{image} !== null && {image}.complete && {image}.naturalWidth > 100")
    taken = browser("Page.captureScreenshot", captureBeyondViewport=True)["data"]
    shot = os.environ.get("KDIQA_SCREENSHOT")
    if shot:
        Path(shot).write_bytes(base64.b64decode(taken))
    assert len(taken) > 50_000


def test_what_is_no_image_is_answered(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("hello")
    drop(browser, path)
    message = "Not scored. note.txt shows no image: its bytes are of no known image format."
    until(browser, "document.querySelector('#score').innerText.includes('Not scored')")
    assert browser.ask("document.querySelector('#score').innerText").strip() == message


def test_nobody_but_this_machine_is_asked_for_anything(browser: Browser, address: str) -> None:
    asked = [line.removeprefix("asked for ") for line in browser.said if line[:5] == "asked"]
    assert asked
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []


def test_the_page_listens_on_loopback_alone(address: str) -> None:
    port = int(address.rpartition(":")[2])
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"0100007F:{port:04X}"]
