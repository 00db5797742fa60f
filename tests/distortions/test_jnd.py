"""Just-noticeable differences, against what the formulas give on images of one or two levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kdiqa import jnd
from kdiqa.data.images.read import write_image
from kdiqa.data.pairs.jnd import Itself, JNDNoise, JNDSuppressed, threshold
from kdiqa.data.record import Record
from kdiqa.distortions.jnd import just_noticeable, luminance
from tests.fakes import picture


def adaptation(level: float) -> float:
    """Returns Chou and Li's threshold on an even background."""
    return 17 * (1 - (level / 127) ** 0.5) + 3 if level <= 127 else 3 / 128 * (level - 127) + 3


@pytest.mark.parametrize("level", [0.0, 1.0, 31.75, 127.0, 128.0, 255.0])
def test_on_an_even_image_it_is_the_luminance_adaptation_alone(level: float) -> None:
    result = just_noticeable(torch.full((1, 1, 6, 9), level, dtype=torch.float64))
    expected = torch.full_like(result, adaptation(level))
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("dark", "bright"), [(100.0, 140.0), (60.0, 200.0)])
def test_beside_an_edge_masking_is_added_less_what_overlaps(
    dark: float, bright: float, turned: bool
) -> None:
    image = torch.full((1, 1, 16, 16), dark, dtype=torch.float64)
    image[..., 8:] = bright
    row = just_noticeable(image.mT if turned else image)
    row = (row.mT if turned else row)[0, 0, 8]
    # Columns 7 and 8 have the edge between their neighbours: all 16 of one sign see each level.
    # Of the surroundings, of weights 5 and 8 a column (4 in the middle one... 6): see the kernel.
    columns = [5.0, 8.0, 6.0, 8.0, 5.0]
    for place in (7, 8):
        seen = [bright if place + offset >= 8 else dark for offset in range(-2, 3)]
        background = sum(w * level for w, level in zip(columns, seen, strict=True)) / 32
        light = adaptation(background)
        edge = (1e-4 * background + 0.115) * (bright - dark)
        expected = light + edge - 0.3 * min(light, edge)
        assert float(row[place]) == pytest.approx(expected, rel=1e-12)
    assert float(row[2]) == pytest.approx(adaptation(dark))
    assert float(row[13]) == pytest.approx(adaptation(bright))


def test_luminance_weighs_the_colours_as_television_does() -> None:
    rgb = torch.tensor([100.0, 50.0, 200.0]).view(1, 3, 1, 1)
    assert float(luminance(rgb)) == pytest.approx(29.9 + 29.35 + 22.8)


def record_of(folder: Path, reference: np.ndarray) -> Record:
    path = folder / "reference.png"
    write_image(path, reference)
    return Record(folder / "image.png", 0.5, "scene", reference=path)


def test_shrinking_keeps_of_a_difference_what_exceeds_the_threshold(tmp_path: Path) -> None:
    reference = np.full((8, 8, 3), 127, np.uint8)  # its threshold is 3
    record = record_of(tmp_path, reference)
    for apart, kept in ((0, 0), (2, 0), (3, 0), (4, 1), (50, 47), (-3, 0), (-20, -17)):
        image = np.asarray(reference.astype(int) + apart, np.uint8)
        result = JNDSuppressed()(image, record, 0).astype(int) - 127
        assert (result == kept).all(), apart


def test_noise_of_one_threshold_is_its_size_everywhere_and_the_same_for_one_seed() -> None:
    image, record = picture(3), Record(Path("a.png"), 0.5, "a")
    noisy = JNDNoise(1.0, 0.0)(image, record, 5)
    size = np.broadcast_to(threshold(image), image.shape)
    moved = np.abs(noisy.astype(float) - image)
    inside = (image > 40) & (image < 215)
    assert np.abs(moved - size)[inside].max() <= 0.51  # rounded to whole levels
    up = (noisy.astype(int) - image)[inside] > 0
    assert 0.4 < up.mean() < 0.6
    assert (noisy == JNDNoise(1.0, 0.0)(image, record, 5)).all()
    assert (noisy != JNDNoise(1.0, 0.0)(image, record, 6)).any()


def test_gaussian_noise_has_the_deviation_that_was_drawn() -> None:
    image, record = np.full((200, 200, 3), 128, np.uint8), Record(Path("a.png"), 0.5, "a")
    spreads = [JNDNoise(0.0, 0.02)(image, record, seed).std() for seed in range(8)]
    assert max(spreads) < 0.02 * 255 * 1.05
    assert min(spreads) < 0.5 * max(spreads)


def test_no_noise_is_seen_in_evaluation() -> None:
    image = picture(1)
    shown = JNDNoise().evaluated()
    assert isinstance(shown, Itself)
    assert (shown(image, Record(Path("a.png"), 0.5, "a"), 0) == image).all()


def test_command_draws_a_photograph_beside_its_thresholds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dark = picture(2).copy()
    dark[:, : dark.shape[1] // 2] = 0
    write_image(tmp_path / "photo.png", dark)
    jnd.main([str(tmp_path / "photo.png"), "-o", str(tmp_path / "jnd.png")])
    assert "jnd.png: " in capsys.readouterr().out
    assert (tmp_path / "jnd.png").is_file()
    with pytest.raises(SystemExit):
        jnd.main([str(tmp_path / "none.png")])
    missing = f"Cannot read the image '{tmp_path / 'none.png'}': no such file. Look at its path."
    assert capsys.readouterr().err.endswith(f"kdiqa jnd: error: {missing}\n")
