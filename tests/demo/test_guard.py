"""The page keeps to itself: its own names, its own posts, the size it states, and nothing left behind."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kdiqa.demo.guard import OwnPageOnly
from kdiqa.demo.reading import MAX_BYTES
from tests.fakes import picture, write
from tests.waiting import PATIENCE

PORT = 7860


def asked(method: str = "GET", kind: str = "http", **headers: str) -> str | None:
    """Returns how a request with these headers is answered: None where it is let through."""
    given = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    guard: Any = OwnPageOnly(lambda *_: None, PORT)  # type: ignore[arg-type, return-value]
    return guard.refusal({"type": kind, "method": method, "headers": given})


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST:7860"])
def test_its_own_names_are_answered(host: str) -> None:
    assert asked(host=host) is None
    assert asked("POST", host=host) is None  # of a program that is no browser
    assert asked("POST", host=host, origin="http://localhost:7860") is None
    assert asked("POST", host=host, sec_fetch_site="same-origin") is None


@pytest.mark.parametrize(
    "host", ["elsewhere.example:7860", "127.0.0.1:7861", "127.0.0.1", "", "127.0.0.1.example:7860"]
)
def test_other_names_are_not(host: str) -> None:
    assert asked(host=host) == "This page is served under its own names alone."


def test_no_name_and_two_names_are_refused() -> None:
    assert asked() is not None
    guard: Any = OwnPageOnly(lambda *_: None, PORT)  # type: ignore[arg-type, return-value]
    twice = [(b"host", b"localhost:7860"), (b"Host", b"elsewhere.example")]
    assert guard.refusal({"type": "http", "method": "GET", "headers": twice}) is not None


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://elsewhere.example"},
        {"origin": "null"},
        {"origin": "https://localhost:7860"},
        {"origin": "http://localhost:1234"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_other_sites_post_nothing(kind: str, headers: dict[str, str]) -> None:
    message = asked("POST", kind, host="localhost:7860", **headers)
    assert message == "This page takes nothing from other sites."


@pytest.fixture
def served(trained: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "kdiqa.demo", str(trained), "--port", "0"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.search(r":(\d+) ", line)
    assert match, (line, process.stderr and process.stderr.read())
    yield process, int(match[1])
    process.kill()
    process.communicate()


def upload(port: int, data: bytes, **headers: str) -> tuple[int, str]:
    """Returns the answer to an upload."""
    edge = "edge-of-a-part"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    body += data + f"\r\n--{edge}--\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    told = {"Content-Type": f"multipart/form-data; boundary={edge}"} | headers
    connection.request("POST", "/gradio_api/upload", body, told)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.mark.process
def test_an_upload_is_of_the_stated_size_and_gone_after_sigterm(
    served: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    process, port = served
    image = write(tmp_path / "image" / "a.png", picture(0, 32, 32)).read_bytes()
    assert upload(port, image, Host="elsewhere.example")[0] == 403
    assert upload(port, image, Origin="http://elsewhere.example")[0] == 403
    status, answer = upload(port, image, Origin=f"http://127.0.0.1:{port}")
    assert status == 200
    (stored,) = [path for path in tmp_path.rglob("a.png") if path.parent.name != "image"]
    assert stored.read_bytes() == image
    assert str(stored) in answer
    status, answer = upload(port, bytes(MAX_BYTES + 1))
    assert status == 413
    assert upload(port, bytes(MAX_BYTES))[0] == 200
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=PATIENCE) == ("", "\nEnded.\n")
    assert process.returncode == 143
    assert [path.name for path in tmp_path.iterdir()] == ["image"]
