"""Every named image once, whatever way it is named."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from kdiqa.scorer import inputs

NAMES = (
    "a.png",
    "b.jpg",
    "deep/c.BMP",
    "deep/er/ein Bild, „schön“.png",
    'q"uote.png',
    "写真.webp",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a folder of empty images, with a text among them; it stands in the current one."""
    for name in (*NAMES, "notes.md"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def test_files_patterns_lists_and_standard_input_name_each_image_once(folder: Path) -> None:
    Path("list.txt").write_text("photos/b.jpg\r\n\n./photos/a.png\nphotos/gone [1].png\n")
    stdin = io.StringIO("photos/b.jpg\nphotos/deep\n")
    words = [str(folder / "a.png"), "list.txt", "-", "photos/*.png", "photos/**/*.BMP", "gone.png"]
    assert inputs.find(words, stdin) == [
        *(str(folder / "a.png"), "photos/b.jpg", "photos/gone [1].png", "photos/deep/c.BMP"),
        *(f"photos/{NAMES[3]}", 'photos/q"uote.png', "gone.png"),
    ]


def test_a_folder_that_holds_itself_is_read_once(folder: Path) -> None:
    (folder / "deep" / "loop").symlink_to(folder)
    (folder / "zz linked").symlink_to(folder / "deep" / "er")
    paths = inputs.find(["photos"], io.StringIO())
    assert len(paths) == len({os.path.realpath(path) for path in paths}) == len(NAMES)
