"""Rows that were changed after their run are named, each kind of change by its name."""

from __future__ import annotations

import pytest

from kdiqa.metrics import seals

TABLE = "id,split,mos,score\na.png,test,0.1,0.2\nb.png,test,0.3,0.4\nc d.png,test,0.5,0.6\n"
A, B = "a.png,test,0.1,0.2\n", "b.png,test,0.3,0.4\n"
CHANGES = {
    "edited": (TABLE.replace("0.4", "0.41"), ["1 row edited: 'b.png'"]),
    "deleted": (TABLE.replace(A, ""), ["1 row deleted: 'a.png'"]),
    "doubled": (TABLE + B, ["1 row doubled: 'b.png'"]),
    "other part": (TABLE + "t.png,train,0.5,0.5\n", ["1 row of another part: 't.png'"]),
    "added": (TABLE + "n.png,test,0.5,0.5\n", ["1 row added: 'n.png'"]),
    "two": (
        TABLE.replace(A, "").replace("0.6", "1"),
        ["1 row edited: 'c d.png'", "1 row deleted: 'a.png'"],
    ),
    "swapped": (
        TABLE.replace(A + B, B + A),
        ["its rows are in another order than they were stored in"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named_by_its_kind_and_its_images(change: str) -> None:
    seal = seals.seal(TABLE)
    changed, expected = CHANGES[change]
    assert seals.faults(changed, seal, seals.digest(seal)) == expected


def test_a_table_as_it_was_stored_has_no_fault() -> None:
    seal = seals.seal(TABLE)
    assert seals.faults(TABLE, seal, seals.digest(seal)) == []
    assert seals.faults(TABLE, None, seals.digest(seal)) == []


def test_a_seal_that_was_changed_with_its_table_does_not_speak_for_it() -> None:
    changed = TABLE.replace("0.4", "0.9")
    for seal in (None, seals.seal(changed)):
        (fault,) = seals.faults(changed, seal, seals.digest(seals.seal(TABLE)))
        assert "results.json" in fault


def test_many_rows_are_counted_and_the_first_are_named() -> None:
    rows = [f"{i}.png,test,0.1,0.{i}\n" for i in range(1, 8)]
    table = "id,split,mos,score\n" + "".join(rows)
    seal = seals.seal(table)
    faults = seals.faults("id,split,mos,score\n" + rows[0], seal, seals.digest(seal))
    assert faults == ["6 rows deleted: '2.png', '3.png', '4.png' and 3 more"]
