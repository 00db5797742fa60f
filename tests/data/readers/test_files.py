import re
from pathlib import Path

import pytest

from kdiqa.data.readers.files import FileIndex, read_csv, split_name, to_number


def touch(root: Path, *names: str) -> FileIndex:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return FileIndex(root)


def test_files_are_found_in_any_letter_case(tmp_path: Path) -> None:
    files = touch(tmp_path, "Images/I01.BMP")
    assert files.path("images/i01.bmp") == tmp_path / "Images" / "I01.BMP"
    assert files.find("images\\I01.bmp") == tmp_path / "Images" / "I01.BMP"


def test_one_level_of_nesting_is_tolerated_and_two_are_not(tmp_path: Path) -> None:
    files = touch(tmp_path, "kadid10k/images/a.png", "x/y/images/b.png")
    assert files.find("images/a.png") == tmp_path / "kadid10k" / "images" / "a.png"
    assert files.find("images/b.png") is None


def test_what_lies_where_it_should_comes_before_what_is_nested(tmp_path: Path) -> None:
    files = touch(tmp_path, "backup/images/a.png", "images/a.png", "backup2/images/a.png")
    assert files.find("images/a.png") == tmp_path / "images" / "a.png"


def test_the_folder_tells_namesakes_apart(tmp_path: Path) -> None:
    files = touch(tmp_path, "1024x768/a.jpg", "512x384/a.jpg")
    assert files.find("512x384/a.jpg") == tmp_path / "512x384" / "a.jpg"
    assert files.find("256x192/a.jpg") is None


def test_the_first_of_several_paths_that_is_there_counts(tmp_path: Path) -> None:
    files = touch(tmp_path, "b/a.png", "c/a.png")
    assert files.find("a/a.png", "c/a.png", "b/a.png") == tmp_path / "c" / "a.png"
    assert files.path("a/a.png", "d/a.png") == tmp_path / "a" / "a.png"


def test_a_missing_file_has_the_path_where_it_should_be(tmp_path: Path) -> None:
    assert FileIndex(tmp_path).path("images/a.png") == tmp_path / "images" / "a.png"


def test_a_linked_folder_is_searched(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "a.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "images").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert FileIndex(tmp_path / "root").find("images/a.png") is not None


def test_a_table_may_have_a_byte_order_mark_empty_columns_and_empty_rows(tmp_path: Path) -> None:
    path = tmp_path / "mos.csv"
    path.write_bytes(b"\xef\xbb\xbfImage Name, MOS ,,\r\na.jpg, 0.5,,\r\n,,,\r\nb.jpg,0.25,,\r\n")
    assert list(read_csv(path, ["Image Name", "MOS"])) == [
        (2, {"Image Name": "a.jpg", "MOS": "0.5"}),
        (4, {"Image Name": "b.jpg", "MOS": "0.25"}),
    ]


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "mos.csv"
    path.write_text("image,score\na.jpg,1\n")
    message = (
        f"'{path}' has no column 'MOS', its columns are 'image, score'. Restore the authors' file."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(read_csv(path, ["image", "MOS"]))


@pytest.mark.parametrize("text", ["", "n/a", "nan", "inf"])
def test_what_is_no_score_is_named_with_its_line(text: str) -> None:
    message = f"'mos.csv', line 7: {text!r} is no score. Restore the authors' file."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        to_number(text, Path("mos.csv"), 7)


@pytest.mark.parametrize("name", ["i01.bmp", "i01_08_x.bmp", "a_b_c_1.bmp"])
def test_a_name_made_otherwise_is_named_with_its_line(name: str) -> None:
    message = (
        f"'dmos.csv', line 7: {name!r} is not named content_distortion_level. "
        "Restore the authors' file."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        split_name(name, Path("dmos.csv"), 7)


def test_all_files_are_listed_once(tmp_path: Path) -> None:
    files = touch(tmp_path, "b.csv", "x/y/a.png", "X.png")
    assert list(files) == [tmp_path / "X.png", tmp_path / "b.csv", tmp_path / "x" / "y" / "a.png"]


class Counted(set[str]):
    """Ends of paths, and how often one was asked for."""

    asked = 0

    def __contains__(self, end: object) -> bool:
        self.asked += 1
        return super().__contains__(end)


def test_ends_of_paths_are_found_with_a_look_at_each_file(tmp_path: Path) -> None:
    asked = []
    for count in (20, 40):
        root = tmp_path / str(count)
        files = touch(root, *(f"deep/{i}/0.png" for i in range(count)), "only.png")
        ends = Counted([f"{i}/0.png" for i in range(count)])
        found = files.ending_in(ends)
        assert found == {f"{i}/0.png": root / "deep" / str(i) / "0.png" for i in range(count)}
        asked.append(ends.asked)
    assert asked[1] == 2 * asked[0]  # and not four times: all have one file name


def test_an_end_of_several_paths_is_none_of_them_and_a_whole_path_wins(tmp_path: Path) -> None:
    files = touch(tmp_path, "a/x.png", "b/x.png", "c/y.png", "y.png")
    assert files.ending_in({"x.png", "y.png", "b/X.png".casefold(), "z.png"}) == {
        "y.png": tmp_path / "y.png",
        "b/x.png": tmp_path / "b" / "x.png",
    }
