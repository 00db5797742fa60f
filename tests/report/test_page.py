"""What the page holds, and what it must not hold."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from kdiqa import report
from kdiqa.metrics.correlation import summarize
from tests.report.made import write_images, write_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three variants, one run each; the last one's checkpoint was chosen on its test images."""
    made = tmp_path_factory.mktemp("page")
    write_images(made / "images")
    chosen = {"student alone": "val/srcc", "student <b>with</b> teacher": "val/srcc"}
    for name, selected_on in (chosen | {"best epoch": "test/srcc"}).items():
        write_run(made / "runs" / name[-5:], name, root=made / "images", selected_on=selected_on)
    return made


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return written(folder)


def written(folder: Path, *words: str) -> str:
    path = folder / "page.html"
    assert report.main([str(folder / "runs"), "--no-figures", "-o", str(path), *words]) == 0
    return path.read_text()


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    sources = re.findall(r'(?:src|href)="([^"]{5})', page)
    assert len(sources) > 20
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "<script" not in page
    assert "url(" not in re.search(r"<style>.*?</style>", page, re.DOTALL).group()  # type: ignore[union-attr]


def test_names_of_runs_are_text_and_not_markup(page: str) -> None:
    assert "student &lt;b&gt;with&lt;/b&gt; teacher" in page
    assert "<b>with" not in page


def test_every_picture_says_what_it_shows(page: str) -> None:
    pictures = re.findall(r"<img [^>]*>", page)
    assert len(pictures) > 20
    alts = [re.search(r'alt="([^"]+)"', picture) for picture in pictures]
    assert all(alt and len(alt.group(1)) > 15 for alt in alts)


def test_what_was_chosen_on_the_test_images_is_marked_wherever_it_stands(page: str) -> None:
    body = page.partition("<main>")[2]
    names = re.findall(r"best epoch([^<]{0,19})", re.sub(r'alt="[^"]*"', "", body))
    told = [rest for rest in names if not rest.startswith(" on tid2013, split")]  # its provenance
    assert len(told) >= 4
    assert sum(rest == " (selected on test)" for rest in told) == len(told) - 1  # a column's head
    assert "<strong>Selected on test.</strong>" in page
    assert "student alone (selected on test)" not in page


def test_published_numbers_stand_beside_ours_with_their_protocol(page: str) -> None:
    assert "ours: student alone" in page
    row = re.search(r'<tr><th scope="row">HyperIQA \(selected on test\)</th>(.*?)</tr>', page)
    assert row is not None
    assert re.sub("<[^>]*>", "|", row.group(1)).split("||") == [
        "|0.840",
        "0.858",
        "80/20; median",
        "CMPA paper: Table 1|",
    ]
    assert "checkpoint chosen by test/srcc, val/srcc" in page


def test_the_worst_image_is_the_one_farthest_from_its_mos(folder: Path, page: str) -> None:
    rows = write_run(folder / "again", "student alone", root=folder / "images")
    shutil.rmtree(folder / "again")
    error = (rows["score"] - rows["mos"]).abs()
    worst = rows.loc[error.idxmax()]
    section = page.partition(">student alone</h3>")[2].partition("Predicted worst")[2]
    source, alt = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)"', section)[
        0
    ]
    told = f"score {worst['score']:.3f}, MOS {worst['mos']:.3f}".replace("-", "−")
    assert alt == f"{worst['id']}, {worst['distortion']}: {told}"
    small = Image.open(io.BytesIO(base64.b64decode(source)))
    large = Image.open(folder / "images" / worst["id"])
    assert max(small.size) <= 160
    assert small.getpixel((5, 5)) == pytest.approx(large.getpixel((5, 5)), abs=3)


def test_a_page_to_pass_on_has_no_photographs(folder: Path) -> None:
    assert "image/jpeg" in written(folder)
    page = written(folder, "--no-images")
    assert "image/jpeg" not in page
    assert "Predicted worst" not in page


def test_where_the_images_are_gone_the_rest_is_shown(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "a", root=tmp_path / "gone")
    page = written(tmp_path)
    assert "image/jpeg" not in page
    assert page.count("<figure") >= 3


def test_the_same_runs_make_the_same_page(folder: Path) -> None:
    assert written(folder) == written(folder)


def test_the_numbers_lie_beside_the_page_without_nan(folder: Path, page: str) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads((folder / "page.json").read_text(), parse_constant=refuse)
    assert [run["metrics"]["n"] for run in found["runs"]] == [120] * 3


def test_evaluations_on_other_data_are_a_data_set_of_their_own(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a"
    write_run(run, "student")
    rows = write_run(run / "evaluations" / "csiq", "student", split=1)
    told = {
        "name": "student on csiq",
        "selected_on": "val/srcc",
        "run": str(run),
        "warnings": ["2 contents of csiq are in the training data"],
        "seed": 0,
        "split": 0,
    }
    (run / "evaluations" / "csiq" / "results.json").write_text(json.dumps(told))
    page = written(tmp_path)
    found = json.loads((tmp_path / "page.json").read_text())
    assert [dataset["dataset"] for dataset in found["datasets"]] == ["tid2013", "csiq"]
    measured = found["datasets"][1]["variants"]["student"]["measures"]["srcc"]["median"]
    assert measured == summarize(rows["score"], rows["mos"])["srcc"]
    methods = {row["method"]: row for row in found["datasets"][1]["published"]}
    assert methods["AKD-IQA"]["train"] == "tid2013"
    assert '<p class="warning">2 contents of csiq' in page
