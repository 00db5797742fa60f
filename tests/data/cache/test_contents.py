"""A file's bytes are read once, and again when they may have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kdiqa.data.cache import contents
from kdiqa.data.cache.contents import ContentCache, cache_folder, contents_of, together

OLD = 1_700_000_000_123_456_789  # nanoseconds: long ago, and no whole second


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("KDIQA_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name * 5)
        os.utime(folder / name, ns=(OLD, OLD))
    return sorted(folder.iterdir())


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    plain = contents.content_of

    def counted(path: Path) -> str:
        names.append(path.name)
        return plain(path)

    monkeypatch.setattr(contents, "content_of", counted)
    return names


def test_an_unchanged_file_is_not_read_again(files: list[Path], read: list[str]) -> None:
    first = contents_of(files)
    assert sorted(read) == ["a", "b", "c"]
    assert len(set(first.values())) == 3
    read.clear()
    assert contents_of(files) == first
    assert read == []


def test_a_file_of_another_time_or_size_is_read_again(files: list[Path], read: list[str]) -> None:
    first = contents_of(files)
    read.clear()
    files[0].write_text("other")  # of the same size
    os.utime(files[1], ns=(OLD, OLD + 1))
    files[2].write_text("longer than it was")
    os.utime(files[2], ns=(OLD, OLD))
    second = contents_of(files)
    assert sorted(read) == ["a", "b", "c"]
    assert [first[path] == second[path] for path in files] == [False, True, False]


def test_a_file_that_may_change_within_a_tick_of_its_clock_is_not_known_yet(
    files: list[Path], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents.time, "time_ns", lambda: OLD + 10_000_000)
    contents_of(files)
    read.clear()
    files[0].write_text("other")
    os.utime(files[0], ns=(OLD, OLD))  # in the same tick
    contents_of(files[:1])
    assert read == ["a"]


@pytest.mark.parametrize("way", ["cut", "altered", "deleted", "empty"])
def test_a_damaged_cache_is_made_anew(files: list[Path], read: list[str], way: str) -> None:
    first = contents_of(files)
    (path,) = cache_folder().iterdir()
    data = bytearray(path.read_bytes())
    digest = bytes.fromhex(first[files[1]])
    at = bytes(data).index(digest)
    data[at] ^= 1
    path.write_bytes({"cut": data[:-40], "altered": data, "empty": b"", "deleted": b""}[way])
    if way == "deleted":
        path.unlink()
    read.clear()
    assert contents_of(files) == first
    assert sorted(read) == ["a", "b", "c"]
    assert ContentCache(path).digests


def test_names_and_bytes_make_one_digest_in_any_order() -> None:
    one = together([("a", "1"), ("b", "2")])
    assert together([("b", "2"), ("a", "1")]) == one
    assert len({one, together([("a", "2"), ("b", "1")]), together([("a", "1")])}) == 3


def test_copies_in_two_folders_have_one_digest(files: list[Path]) -> None:
    copy = files[0].parent.parent / "copy"
    copy.mkdir()
    (copy / "a").write_bytes(files[0].read_bytes())
    both = contents_of([files[0], copy / "a"])
    assert len(both) == 2
    assert len(set(both.values())) == 1
