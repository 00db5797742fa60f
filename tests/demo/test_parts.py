"""What the page shows and refuses, without a browser."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

import kdiqa
from kdiqa.demo import reading
from kdiqa.demo.__main__ import HOST, free, main
from kdiqa.demo.ladder import KINDS, PIXELS, chart, rung, thumbnails
from kdiqa.scorer.views import shrunk
from tests.fakes import picture, write


def test_the_ladder_has_the_scorers_scores(trained: Path) -> None:
    scorer, image = kdiqa.load(trained), picture(1, 60, 80)
    ladder = [rung(scorer, image, kind, scorer.score(image)) for kind in KINDS[:2]]
    for one in ladder:
        assert [len(one.images), len(one.scores)] == [6, 6]
        assert list(one.scores) == scorer.score(list(one.images))
        assert not np.array_equal(one.images[0], one.images[5])
    assert chart(ladder).shape == (396, 770, 3)
    assert thumbnails(ladder).shape == (26 + 2 * 132, 150 + 6 * 132 + 4, 3)


def test_large_images_are_shrunk_and_small_ones_are_not() -> None:
    image = picture(0, 60, 80)
    assert shrunk(image, PIXELS) is image
    assert shrunk(image, 1200).shape == (30, 40, 3)


def test_an_upload_is_read_upright_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.png", picture(0, 30, 40))
    assert np.array_equal(reading.read(path), picture(0, 30, 40))
    monkeypatch.setattr(reading, "MAX_PIXELS", 1000)
    message = (
        "a.png has 40×30 pixels, and this page takes 0 megapixels. Shrink it, or score it with:"
        " kdiqa predict"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        reading.read(path)
    with (tmp_path / "b.png").open("wb") as file:
        file.truncate(21 * 2**20)
    message = (
        "b.png has 21.0 MiB, and this page takes 20. Save it smaller, or score it with: kdiqa"
        " predict"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        reading.read(tmp_path / "b.png")
    (tmp_path / "c.png").touch()
    with pytest.raises(ValueError, match=r"^c\.png shows no image: empty file\.$"):
        reading.read(tmp_path / "c.png")


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["nowhere", "--port", str(port)])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(
        f"kdiqa demo: error: Port {port} cannot be had (Address already in use). Give another with"
        " --port, or --port 0 for any free one.\n"
    )
    assert free(port) == port
    assert 0 < free(0) < 65536
    with pytest.raises(
        ValueError, match=r"^There is no port 70000\. Give --port a number from 1024 to 65535\.$"
    ):
        free(70000)


def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(SystemExit):
        main(["nowhere", "--port", "0"])
    assert capsys.readouterr().err.endswith(
        "kdiqa demo: error: The page needs gradio, which is not installed. Type: pip install"
        " 'kdiqa[demo]'\n"
    )
