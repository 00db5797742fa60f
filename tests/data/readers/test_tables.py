import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from kdiqa.data.readers.tables import read_mat, read_xlsx
from tests.fakes import write_mat, write_xlsx

PADDED = [(), (None, "image", "note", "dmos"), (None, 1600, "", 0.25), (), (None, "elk", "x", 1)]


def rows_of(rows: Sequence[tuple[int, dict[str, str]]]) -> list[tuple[int, list[str]]]:
    return [(line, list(row.values())) for line, row in rows]


def test_a_sheet_may_stand_anywhere_in_a_workbook_and_have_empty_rows(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", PADDED, "scores", before=["notes"])
    rows = list(read_xlsx(path, ["image", "dmos"], "scores", header_row=2))
    assert rows == [
        (3, {"image": "1600", "dmos": "0.25"}),
        (5, {"image": "elk", "dmos": "1"}),
    ]


def test_the_first_sheet_is_read_where_none_is_named_whatever_the_suffix(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.XLS", [("name", "MOS"), ("a.jpg", 1 / 3)])
    [(line, row)] = read_xlsx(path, ["MOS"])
    assert line == 2
    assert float(row["MOS"]) == 1 / 3


@pytest.mark.parametrize(
    ("columns", "sheet", "message"),
    [
        (["image", "mos"], "scores", "no column 'mos', its columns are 'image, note, dmos'."),
        (["dmos"], "all", "no sheet 'all', its sheets are 'notes, scores'."),
    ],
)
def test_a_missing_sheet_or_column_is_named_with_those_there_are(
    tmp_path: Path, columns: list[str], sheet: str, message: str
) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", PADDED, "scores", before=["notes"])
    message = f"'{path}' has {message} Restore the authors' file."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(read_xlsx(path, columns, sheet, header_row=2))


def test_vectors_of_numbers_and_of_texts_are_read_side_by_side(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "a.mat", names=["a.bmp", "bb.bmp"], mos=[1 / 3, 2.0])
    rows = list(read_mat(path, ["names", "mos"]))
    assert [row["names"] for _, row in rows] == ["a.bmp", "bb.bmp"]
    assert [float(row["mos"]) for _, row in rows] == [1 / 3, 2.0]
    assert [place for place, _ in rows] == [1, 2]


def test_a_missing_array_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "a.mat", dmos=[1.0], orgs=[0.0])
    message = (
        f"'{path}' has no array 'dmos_new', its arrays are 'dmos, orgs'. "
        "Restore the authors' file."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(read_mat(path, ["orgs", "dmos_new"]))


def test_vectors_that_differ_in_length_are_refused(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "a.mat", dmos=[1.0, 2.0], orgs=[0.0])
    message = (
        f"'{path}' has arrays of different lengths: dmos 2, orgs 1. Restore the authors' file."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(read_mat(path, ["dmos", "orgs"]))


@pytest.mark.parametrize("name", ["a.xlsx", "a.mat"])
@pytest.mark.parametrize("length", [0, 3, 100, 300, -20])
def test_a_file_cut_short_says_so(tmp_path: Path, name: str, length: int) -> None:
    mat = name == "a.mat"
    path = tmp_path / name
    if mat:
        write_mat(path, mos=list(map(float, range(50))), names=["a", "b"])
    else:
        write_xlsx(path, [("name", "MOS"), ("a.jpg", 1)])
    begun = path.read_bytes()[:length]
    path.write_bytes(begun)
    message = (
        f"'{path}' is no {'MATLAB file (up to version 7)' if mat else 'Excel workbook'}, or is "
        f"damaged: {len(begun)} bytes that begin with {begun[:8]!r}.\nDownload it again."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(read_mat(path, ["mos"]) if mat else read_xlsx(path, ["MOS"]))


def test_a_sheet_that_is_torn_inside_says_so(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [("name", "MOS"), ("a.jpg", 1)])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, part in parts.items():
            book.writestr(name, part[:-30] if "sheet1" in name else part)
    with pytest.raises(ValueError, match=f"^{re.escape(unreadable(path))}$"):
        list(read_xlsx(path, ["MOS"]))


def unreadable(path: Path, kind: str = "Excel workbook") -> str:
    """Returns the complete message of a table that cannot be read."""
    data = path.read_bytes()
    return (
        f"'{path}' is no {kind}, or is damaged: {len(data)} bytes that begin with"
        f" {data[:8]!r}.\nDownload it again."
    )


@pytest.mark.parametrize(
    ("read", "kind"),
    [(read_mat, "MATLAB file (up to version 7)"), (read_xlsx, "Excel workbook")],
)
def test_a_web_page_saved_as_a_table_shows_how_it_begins(
    tmp_path: Path, read: object, kind: str
) -> None:
    path = tmp_path / "labels"
    path.write_text("<!DOCTYPE html><title>Sign in</title>")
    assert "37 bytes that begin with b'<!DOCTYP'" in unreadable(path)
    with pytest.raises(ValueError, match=f"^{re.escape(unreadable(path, kind))}$"):
        list(read(path, ["MOS"]))  # type: ignore[operator]


# What follows reads the real file, where it lies next to the checkout: nothing writes an .xls.


def test_an_old_workbook_is_read_like_a_new_one(shared_data: Path) -> None:
    path = shared_data / "labels" / "bid" / "DatabaseGrades.xls"
    rows = list(read_xlsx(path, ["Image Number", "Average Subjective Grade"]))
    assert rows_of(rows)[0] == (2, ["1", "4.516640224615385"])
    assert (len(rows), rows[-1][0]) == (586, 587)
    message = f"'{path}' has no sheet 'MOS', its sheets are 'Plan1, Plan2, Plan3'. "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}Restore the authors' file.$"):
        list(read_xlsx(path, ["Image Number"], "MOS"))


def test_a_damaged_old_workbook_says_so_and_nothing_else(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    complete = (shared_data / "labels" / "bid" / "DatabaseGrades.xls").read_bytes()
    cut, torn = tmp_path / "cut.xls", tmp_path / "torn.xls"
    torn.write_bytes(complete[:16_000] + bytes(range(200)) + complete[16_200:])
    for length in (8, 600, 20_000):
        cut.write_bytes(complete[:length])
        with pytest.raises(ValueError, match=f"^{re.escape(unreadable(cut))}$"):
            list(read_xlsx(cut, ["Image Number"]))
    with pytest.raises(ValueError, match=f"^{re.escape(unreadable(torn))}$"):
        list(read_xlsx(torn, ["Image Number"]))
    assert capsys.readouterr().out == ""
