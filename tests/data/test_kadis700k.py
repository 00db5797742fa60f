import re
from pathlib import Path

import numpy as np
import pytest

from kdiqa.data.images.read import read_rgb
from kdiqa.data.kadis700k import (
    HOMEPAGE,
    KADISNotFoundError,
    Planned,
    read_plan,
    write_distorted,
)
from kdiqa.data.seeds import derive_seed
from kdiqa.distortions.kadid import distort
from kdiqa.distortions.pixels import to_uint8
from tests.fakes import noisy, picture, write
from tests.fakes.kadis import KINDS, write_kadis700k


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_kadis700k(tmp_path / "kadis700k")


def test_the_plan_is_the_second_column_in_the_authors_order(root: Path) -> None:
    plan = read_plan(root)
    assert [planned.kind for planned in plan] == list(KINDS)
    assert plan[0].reference == root / "ref_imgs" / "photo0.png"
    assert [planned.stem(5) for planned in plan[:4]] == [
        "photo0_01_05",
        "photo1_10_05",  # the name up to its first dot
        "photo2_11_05",
        "photo3_07_05",
    ]


def test_a_folder_around_the_download_and_another_case_change_nothing(
    root: Path, tmp_path: Path
) -> None:
    (root / "ref_imgs" / "photo3.png").rename(root / "ref_imgs" / "PHOTO3.PNG")
    (root / "ref_imgs").rename(root / "Ref_Imgs")
    assert [planned.kind for planned in read_plan(tmp_path)] == list(KINDS)


def test_a_missing_plan_and_missing_images_are_refused(root: Path, tmp_path: Path) -> None:
    (root / "ref_imgs" / "photo2.png").unlink()
    end = (
        f" in '{root}'. Unpack it there from\n{HOMEPAGE}\nor give the folder that holds "
        "'ref_imgs' and 'kadis700k_ref_imgs.csv'."
    )
    message = f"KADIS-700k lacks 1 of 6 images, the first is 'ref_imgs/photo2.png',{end}"
    with pytest.raises(KADISNotFoundError, match=f"^{re.escape(message)}$"):
        read_plan(root)
    (root / "kadis700k_ref_imgs.csv").unlink()
    message = f"KADIS-700k lacks 'kadis700k_ref_imgs.csv'{end}"
    with pytest.raises(KADISNotFoundError, match=f"^{re.escape(message)}$"):
        read_plan(root)


def test_a_plan_with_an_unknown_distortion_is_refused(root: Path) -> None:
    path = root / "kadis700k_ref_imgs.csv"
    path.write_text(path.read_text().replace("photo2.png,11", "photo2.png,26"))
    message = f"'{path}', line 4: '26' is no distortion, 1 to 25. Restore the authors' file."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_plan(root)


def test_a_distorted_image_is_the_distortion_of_its_reference(root: Path, tmp_path: Path) -> None:
    planned = read_plan(root)[2]
    assert write_distorted(planned, tmp_path, "bmp", seed=7) == 5
    rng = np.random.default_rng(derive_seed(7, "photo2_11_03"))
    wanted = to_uint8(distort(picture(2) / 255.0, "white_noise", 3, rng))
    np.testing.assert_array_equal(read_rgb(tmp_path / "photo2_11_03.bmp"), wanted)
    write_distorted(planned, tmp_path, "png", seed=7)
    np.testing.assert_array_equal(read_rgb(tmp_path / "photo2_11_03.png"), wanted)
    write_distorted(planned, tmp_path / "..", "png", seed=8)
    assert (read_rgb(tmp_path / ".." / "photo2_11_03.png") != wanted).any()


def test_complete_files_stay_and_cut_ones_are_written_again(root: Path, tmp_path: Path) -> None:
    planned = read_plan(root)[0]
    write_distorted(planned, tmp_path, "bmp", seed=0)
    complete = (tmp_path / "photo0_01_02.bmp").read_bytes()
    (tmp_path / "photo0_01_02.bmp").write_bytes(complete[:500])
    mine = write(tmp_path / "photo0_01_04.bmp", noisy(picture(0), 30)).read_bytes()
    assert write_distorted(planned, tmp_path, "bmp", seed=0) == 1
    assert (tmp_path / "photo0_01_02.bmp").read_bytes() == complete
    assert (tmp_path / "photo0_01_04.bmp").read_bytes() == mine


def test_what_cannot_be_written_leaves_nothing_half_done(root: Path, tmp_path: Path) -> None:
    planned = Planned(root / "ref_imgs" / "photo0.png", 10)
    (tmp_path / "out" / "photo0_10_01.bmp").mkdir(parents=True)  # stands where a file should be
    message = (
        r"^\[Errno \d+\] [\w ]+: '\S+photo0_10_01\S+' -> '\S+photo0_10_01\.bmp'$"  # the system's
    )
    with pytest.raises(OSError, match=message):
        write_distorted(planned, tmp_path / "out", "bmp", seed=0)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo0_10_01.bmp"]
