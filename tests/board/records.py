"""What an offline run of Weights & Biases left in its file, read back record by record.

The file is a header of seven bytes and then a log as LevelDB writes it: blocks of 32 KiB, in them
chunks of (checksum, length, kind, bytes); a record may go over several chunks.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

from tests.waiting import PATIENCE

BLOCK, HEAD = 32768, 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def finished(file: Path, seconds: float = PATIENCE) -> list[Record]:
    """Returns the records of a file whose writer, a process of its own, may still be at it."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = list(records(file.read_bytes()))
            if time.monotonic() > end or any(r.WhichOneof("record_type") == "exit" for r in found):
                return found
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


class Board:
    """One run as the board would show it."""

    def __init__(self, folder: Path) -> None:
        (file,) = folder.glob("*.wandb")
        self.folder = folder
        self.history: dict[str, list[Any]] = {}
        self.summary: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}
        for record in finished(file):
            self.take(record)

    def take(self, record: Record) -> None:
        kind = record.WhichOneof("record_type")
        if kind == "run":
            self.run = record.run
        elif kind == "exit":
            self.exit_code = record.exit.exit_code
        elif kind == "metric":
            self.metrics[record.metric.name or record.metric.glob_name] = record.metric
        elif kind == "history":
            for key, value in nested(record.history.item).items():
                self.history.setdefault(key, []).append(value)
        elif kind in ("summary", "config"):
            kept = self.summary if kind == "summary" else self.config
            kept.update(nested(getattr(record, kind).update))

    def table(self, key: str) -> dict[str, Any]:
        """Returns a logged table: its columns and its rows."""
        made: dict[str, Any] = json.loads(
            (self.folder / "files" / self.last(key)["path"]).read_text()
        )
        return made

    def images(self, key: str) -> tuple[list[Path], list[str]]:
        """Returns the files of logged pictures, and their captions."""
        value = self.last(key)
        if value["_type"] == "image-file":
            return [self.folder / "files" / value["path"]], [value.get("caption", "")]
        files = [self.folder / "files" / name for name in value["filenames"]]
        return files, value["captions"]

    def last(self, key: str) -> Any:
        return self.history[key][-1]


def nested(items: Iterable[Any]) -> dict[str, Any]:
    """Returns items as they were logged: those with several keys are parts of one value."""
    made: dict[str, Any] = {}
    for item in items:
        *above, last = [item.key] if item.key else item.nested_key
        place = made
        for key in above:
            place = place.setdefault(key, {})
        place[last] = json.loads(item.value_json)
    return made


def records(data: bytes) -> Iterator[Record]:
    """Yields the records of a file."""
    assert data[:4] == b":W&B"
    place, whole = HEAD, b""
    while place + HEAD <= len(data):
        left = BLOCK - place % BLOCK
        if left < HEAD:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + HEAD])
        whole += data[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (WHOLE, LAST):
            record = Record()
            record.ParseFromString(whole)
            yield record
            whole = b""
    assert not whole
