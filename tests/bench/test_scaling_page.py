"""The page of extrapolations holds the recorded figures, and its formulas are what they say."""

from __future__ import annotations

import pytest

from bench import scaling_page
from bench.scaling_page import (
    CACHES,
    CHANNELS,
    PAGE,
    PARAMETERS,
    PRICE,
    SLOT,
    SLOTS,
    WORD,
    all_reduce,
    filled,
    image_bytes,
    recorded,
)
from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels

STEP = {"backbone": "Swin-T", "batch": 8, "online, s": 4.0, "cached, s": 0.2}
STEP |= {"online / bare passes": 1.25}
SCORING = {"model": "student", "images": 4, "megapixels": 1.0, "together, s/image": 0.36}
RESULTS = {
    "cpu_2_cores": {
        "training_step": {"rows": [STEP | {"batch": 2, "online, s": 9.0}, STEP]},
        "scoring_cost": {"rows": [SCORING, SCORING | {"megapixels": 4, "together, s/image": 9}]},
        "scaling": {"rows": [{"processes": 2, "ratio to one": 1.9}]},
    }
}


def test_page_holds_the_recorded_figures() -> None:
    text = PAGE.read_text()
    assert filled(text, recorded()) == text, "python -m bench.scaling_page --write"


def test_page_has_every_slot_once() -> None:
    assert [name for _, name, _ in SLOT.findall(PAGE.read_text())] == list(SLOTS)


def test_filled_page_is_filled_again_with_the_same() -> None:
    once = filled(PAGE.read_text(), RESULTS)
    assert "Not measured yet" not in once
    assert filled(once, RESULTS) == once


def test_ring_all_reduce_sends_each_share_twice_past_all_others() -> None:
    assert all_reduce(1, 1e9, 1.0) == 0
    shares = 2 * 3 * (PARAMETERS * 4 / 4) / 1e9  # four processes: three shares out, three back
    assert all_reduce(4, 1e9, 0.0) == pytest.approx(shares)
    assert all_reduce(4, 1e9, 0.5) == pytest.approx(shares + 3)


def test_processes_extrapolate_from_the_largest_batch() -> None:
    online, cached = (scaling_page.processes(RESULTS)[i] for i in (0, 3))
    assert online["n = 1"] == pytest.approx(8 / 4.0)
    assert cached["n = 1"] == pytest.approx(8 / 0.2)
    assert online["n = 2"] == pytest.approx(16 / (4.0 + all_reduce(2, 0.125e9, 50e-6)))
    assert online["efficiency at 64"] == pytest.approx(online["n = 64"] / online["n = 1"] / 64)


def test_channels_are_those_of_the_backbones() -> None:
    swin = Backbone("swin_tiny_patch4_window7_224", "random", pyramid=Levels(taps="post_merge"))
    stages = Backbone("mobilenetv2_100", "random")
    wide = Backbone(
        "mobilenetv2_100",
        "random",
        pyramid=Levels(taps="expansions", statistics="mean_std", grid=1),
    )
    assert [sum(net.dims) for net in (swin, stages, wide)] == list(CHANNELS.values())
    assert list(CACHES) == list(CHANNELS)
    assert image_bytes(sum(swin.dims), 10, swin.grid**2) == 10 * 2 * 2112 * 49 * 2
    assert 2 * 54 * 4 * swin.grid**2 * 64 == WORD


def test_reading_is_faster_than_computing_above_their_bandwidth() -> None:
    row = scaling_page.recomputing(RESULTS)[1]
    seconds = 4.0 / 1.25 / 8  # of the bare passes, an image
    assert row["passes, s/image"] == pytest.approx(seconds)
    assert row["reading is faster above, MB/s"] == pytest.approx(4.13952 / seconds)
    assert row["cache has paid after, epochs"] == pytest.approx(seconds / ((4.0 - 0.2) / 8))


def test_a_billion_photographs_are_counted_at_one_megapixel() -> None:
    (row,) = scaling_page.billion(RESULTS)
    assert row["core-hours"] == pytest.approx(1e5)
    assert row[f"if p = {PRICE}"] == pytest.approx(PRICE * 1e5)
