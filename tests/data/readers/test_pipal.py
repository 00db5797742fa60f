from pathlib import Path

import pytest

from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.readers.pipal import PIPAL
from tests.data.reading import message_of, ready


def test_pipal_has_kinds_versions_and_references(fake_data: Path) -> None:
    data = ready(PIPAL(fake_data / "pipal", pairs={"reference": Reference()}))
    assert len(data.records) == 6 * 4 * 2
    record = data.records[3]
    assert record.image.relative_to(data.files.root).as_posix() == "Distortion_2/A0001_01_01.bmp"
    assert (record.content, record.distortion, record.level) == ("a0001", "01", 1)
    assert record.reference == data.files.root / "Train_Ref" / "A0001.bmp"
    assert record.mos == pytest.approx((1530 - 900) / 950)
    assert data.records[0].mos > record.mos  # Elo rises with quality


@pytest.mark.parametrize("copy", ["pipal"], indirect=True)
def test_pipal_may_have_all_its_images_in_one_folder(copy: Path) -> None:
    apart = ready(PIPAL(copy)).digest
    (copy / "Dist_Imgs").mkdir()
    for file in copy.glob("Distortion_*/*.bmp"):
        file.rename(copy / "Dist_Imgs" / file.name)
    assert ready(PIPAL(copy)).digest == apart


@pytest.mark.parametrize("copy", ["pipal"], indirect=True)
def test_a_line_of_pipal_without_a_score_is_refused(copy: Path) -> None:
    path = copy / "Train_Label" / "A0002.txt"
    path.write_text("A0002_00_00.bmp,1500.0\nA0002_00_01.bmp\n")
    assert message_of(PIPAL(copy)) == (
        f"'{path}', line 2: '' is no score. Restore the authors' file."
    )
