from collections import Counter
from pathlib import Path

import pytest
import scipy.io

from kdiqa.data.images.read import read_rgb
from kdiqa.data.readers.livec import LIVEChallenge
from tests.data.reading import labels, message_of, ready
from tests.fakes import write_mat

TRAINING = [f"t{i}.bmp" for i in range(1, 8)]


def test_livec_leaves_out_the_seven_images_that_trained_the_observers(fake_data: Path) -> None:
    records = labels(LIVEChallenge(fake_data / "livec"))
    assert len(records) == 20
    assert records[0].image.name == "100.JPG"
    assert records[0].mos == 85.5 - 15 * (7 % 5)  # the score of its own row, the eighth
    assert Counter(record.image.suffix for record in records) == {".bmp": 10, ".JPG": 10}
    assert all(record.image.is_file() for record in records)


def test_livec_scores_rise_with_quality_and_each_image_is_a_content(fake_data: Path) -> None:
    data = ready(LIVEChallenge(fake_data / "livec"))
    assert data.records[3].mos == pytest.approx(0.855)
    assert len({record.content for record in data.records}) == 20
    assert Counter(data.assignment.subsets) == {"train": 14, "val": 2, "test": 4}


@pytest.mark.parametrize("copy", ["livec"], indirect=True)
@pytest.mark.parametrize("lost", ["Data/AllImages_release.mat", "Data/AllMOS_release.mat"])
def test_livec_names_the_label_file_it_lacks(copy: Path, lost: str) -> None:
    (copy / lost).unlink()
    assert message_of(LIVEChallenge(copy)) == (
        f"LIVEChallenge lacks '{lost}' in '{copy}'. Unpack it there from\n"
        "https://live.ece.utexas.edu/research/ChallengeDB/index.html, or set data.root "
        "(now from data.root) to where it is."
    )


@pytest.mark.parametrize("copy", ["livec"], indirect=True)
def test_livec_names_the_first_image_of_a_missing_folder(copy: Path) -> None:
    (copy / "Images").rename(copy / "Pictures")
    assert message_of(LIVEChallenge(copy)) == (
        f"LIVEChallenge lacks 20 of 20 images, the first is 'Images/100.JPG' in '{copy}'. Unpack "
        f"it there from\n{LIVEChallenge.homepage}, or set data.root (now from data.root) to where "
        "it is."
    )


@pytest.mark.parametrize("copy", ["livec"], indirect=True)
def test_livec_tells_that_its_two_files_differ_in_length(copy: Path) -> None:
    path = write_mat(copy / "Data" / "AllMOS_release.mat", AllMOS_release=[50.0] * 20)
    assert message_of(LIVEChallenge(copy)) == (
        f"'{copy / 'Data' / 'AllImages_release.mat'}' lists 27 images and '{path}'\n20 scores. "
        "Restore the authors' files: each image has one score."
    )


@pytest.mark.parametrize("copy", ["livec"], indirect=True)
def test_livec_does_not_drop_seven_images_of_files_without_the_training_ones(copy: Path) -> None:
    names = [f"{i}.bmp" for i in range(1, 21)]
    path = write_mat(copy / "Data" / "AllImages_release.mat", AllImages_release=names)
    write_mat(copy / "Data" / "AllMOS_release.mat", AllMOS_release=[50.0] * 20)
    assert message_of(LIVEChallenge(copy)) == (
        f"'{path}' begins with '1.bmp, 2.bmp, 3.bmp, 4.bmp, 5.bmp, 6.bmp, 7.bmp', but should with "
        "the seven training images\n't1.bmp, t2.bmp, t3.bmp, t4.bmp, t5.bmp, t6.bmp, t7.bmp'. "
        "Restore the authors' file."
    )


# What follows reads the real label files and images, where they lie next to the checkout.


def test_the_real_livec_labels_have_the_known_facts(shared_data: Path) -> None:
    records = labels(LIVEChallenge(shared_data / "minis" / "livec"))
    scores = [record.mos for record in records]
    facts = LIVEChallenge.facts
    assert len(records) == facts.images == 1162
    observed = (min(scores), max(scores), sum(scores) / len(scores))
    assert observed == pytest.approx((3.42, 92.432, facts.mean), abs=1e-4)
    assert (facts.lowest, facts.highest) == (3.42, 92.432)
    # The mean that is known is of 1161 of them: the missing one changes it by less than this.
    assert facts.mean == pytest.approx(55.421, abs=60 / 1161)
    assert Counter(record.image.suffix for record in records) == {".bmp": 535, ".JPG": 627}
    assert len({record.content for record in records}) == 1162


def test_the_real_livec_images_have_the_scores_of_their_rows(shared_data: Path) -> None:
    root = shared_data / "minis" / "livec"
    names, scores = (
        scipy.io.loadmat(root / "Data" / f"{array}.mat")[array]
        for array in ("AllImages_release", "AllMOS_release")
    )
    row_of = {str(name[0][0]): row for row, name in enumerate(names)}
    assert list(row_of)[:7] == TRAINING
    for record in labels(LIVEChallenge(root)):
        assert record.mos == scores[0, row_of[record.image.name]]


def test_the_real_livec_images_are_found_and_the_others_are_missed(shared_data: Path) -> None:
    root = shared_data / "minis" / "livec"
    present = [record.image for record in labels(LIVEChallenge(root)) if record.image.exists()]
    assert len(present) == 6
    assert {read_rgb(path).shape for path in present} == {(500, 500, 3)}
    assert message_of(LIVEChallenge(root)) == (
        f"LIVEChallenge lacks 1156 of 1162 images, the first is 'Images/10.bmp' in '{root}'. "
        f"Unpack it there from\n{LIVEChallenge.homepage}, or set data.root (now from data.root) "
        "to where it is."
    )
