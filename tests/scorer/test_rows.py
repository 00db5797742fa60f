"""The table of scores is complete up to the last line, whatever its names hold."""

from __future__ import annotations

from pathlib import Path

from kdiqa.scorer.rows import Row, State, Table


def test_a_line_break_in_a_name_is_no_end_of_a_row(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    rows = [Row('a\nb,"c".png', 0.5, 1.0, "", "m"), Row("\udcff.png", None, None, "why", "m")]
    Table(path, "m").append(rows)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        held = Table(path, "m")
        kept = list(held.rows.values())
        assert kept == rows[: len(kept)]
        held.append(rows[len(kept) :])
        assert path.read_bytes() == whole, end


def test_a_row_that_replaces_another_stands_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    plain = [Row(name, 0.5, 1.0, "", "m") for name in "abc"]
    first = Table(path, "m")
    first.append([plain[0], Row("b", None, None, "why", "m"), plain[2]])
    first.close()
    before = path.read_bytes()
    again = Table(path, "m")
    assert again.outdated(dict.fromkeys("abcd")) == {"b"}
    again.append([Row("b", None, None, "why", "m")])  # it fails once more
    again.close()
    assert path.read_bytes() == before
    again = Table(path, "m")
    again.append([plain[1], Row("d", 0.25, 0.5, "", "m")])
    again.close()
    assert list(Table(path, "m").rows.values()) == [*plain, Row("d", 0.25, 0.5, "", "m")]


def test_rows_that_two_runs_have_doubled_are_one_again(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    table = Table(path, "m")
    table.append([Row("a", 0.5, 1.0, "", "m")])
    table.close()
    head, row = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + row * 3)
    assert [r.image for r in Table(path, "m").rows.values()] == ["a"]
    assert path.read_bytes() == head + row


def test_a_file_is_another_when_its_size_or_time_is(tmp_path: Path) -> None:
    path, image = tmp_path / "s.csv", str(tmp_path / "a.png")
    Path(image).write_text("one")
    table = Table(path, "m")
    table.append([Row(image, 0.5, 1.0, "", "m")], {image: State.of(image)})
    table.close()
    state = State.of(image)
    assert state is not None
    held = Table(path, "m")
    assert held.outdated({image: state}) == set()
    assert held.outdated({image: None}) == set()  # gone since: its score stays
    assert held.outdated({image: state._replace(size="4")}) == {image}
    assert held.outdated({image: state._replace(mtime_ns="5")}) == {image}  # an older one
    (tmp_path / ".s.csv.files").write_text("no such table")
    lost = Table(path, "m")
    assert lost.outdated({image: state}) == set()
    later = state._replace(mtime_ns=str(path.stat().st_mtime_ns + 1))
    assert lost.outdated({image: later}) == {image}
    lost.adopt({image: state})
    assert lost.outdated({image: later}) == {image}
    assert Table(path, "m").outdated({image: state._replace(mtime_ns="5")}) == {image}
