"""A real browser, spoken to over a pipe: Chromium without a window, by its DevTools protocol."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")


def installed() -> str | None:
    """Returns the browser's program, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of a browser.

    Args:
        program: As :func:`installed` returns it.
        profile: An empty folder for what it writes.
    """

    def __init__(self, program: str, profile: Path) -> None:
        self.count, self.session, self.buffer = 0, None, b""
        self.said: list[str] = []
        ours = [os.pipe(), os.pipe()]
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (ours[0][0], ours[1][1])]
        self.process = subprocess.Popen(
            [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=lambda: (os.dup2(theirs[0], 3), os.dup2(theirs[1], 4)),
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (ours[0][0], ours[1][1], *theirs):
            os.close(end)
        self.write, self.read = ours[0][1], ours[1][0]
        target = self("Target.createTarget", url="about:blank")["targetId"]
        attached = self("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.write)  # it ends when nobody speaks to it
        os.close(self.read)
        self.process.terminate()
        self.process.wait()

    def __call__(self, method: str, **options: Any) -> dict[str, Any]:
        """Returns the answer to a command of the protocol."""
        self.count += 1
        message: dict[str, Any] = {"id": self.count, "method": method, "params": options}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.count:
            self.note(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def receive(self) -> dict[str, Any]:
        """Returns the next message."""
        while b"\0" not in self.buffer:
            data = os.read(self.read, 1 << 20)
            assert data, "the browser has ended"
            self.buffer += data
        text, _, self.buffer = self.buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def note(self, event: dict[str, Any]) -> None:
        """Keeps what the page complains of, and what it asks of the world outside."""
        kind, told = event.get("method"), event.get("params", {})
        if kind in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.said.append(json.dumps(told))
        if kind == "Network.requestWillBeSent":
            url = told["request"]["url"]
            if not url.startswith("data:"):
                self.said.append(f"asked for {url}")

    def open(self, page: Path, width: int, dark: bool = False, media: str = "screen") -> list[str]:
        """Opens a page in a window and returns what was said, and asked for, meanwhile."""
        self.said.clear()
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self("Emulation.setEmulatedMedia", media=media, features=features)
        self(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        self("Page.navigate", url=page.resolve().as_uri())
        while (event := self.receive()).get("method") != "Page.loadEventFired":
            self.note(event)
        return [line for line in self.said if line != f"asked for {page.resolve().as_uri()}"]

    def ask(self, expression: str) -> Any:
        """Returns the value of an expression of JavaScript in the page."""
        return self("Runtime.evaluate", expression=expression, returnByValue=True)["result"][
            "value"
        ]
