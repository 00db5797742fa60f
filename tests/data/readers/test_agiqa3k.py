from collections import Counter
from pathlib import Path

import pytest

from kdiqa.data.readers.agiqa3k import AGIQA3K
from tests.data.reading import ready


def test_agiqa3k_keeps_what_one_prompt_asks_for_together(fake_data: Path) -> None:
    data = ready(AGIQA3K(fake_data / "agiqa3k"))
    assert len(data.records) == 24
    assert Counter(record.content for record in data.records)["thing 1"] == 6
    parts: dict[str, set[str]] = {}
    for record, part in zip(data.records, data.assignment.subsets, strict=True):
        parts.setdefault(record.content, set()).add(part)
    assert all(len(of_one) == 1 for of_one in parts.values())
    assert data.records[9].mos == pytest.approx(3.4 / 5)


@pytest.mark.parametrize("copy", ["agiqa3k"], indirect=True)
def test_agiqa3k_may_have_its_images_in_a_folder(copy: Path) -> None:
    plain = ready(AGIQA3K(copy)).digest
    (copy / "images").mkdir()
    for file in copy.glob("*.jpg"):
        file.rename(copy / "images" / file.name)
    assert ready(AGIQA3K(copy)).digest == plain
