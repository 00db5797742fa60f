"""``python -m bench`` runs every comparison there is."""

from __future__ import annotations

from pathlib import Path

from bench.__main__ import COMPARISONS, commands

BENCH = Path(__file__).parents[2] / "bench"
OTHERS = ("__main__", "scaling_page", "step_times")  # commands that compare nothing


def test_every_script_is_among_the_comparisons() -> None:
    scripts = {
        path.stem
        for path in BENCH.glob("*.py")
        if "if __name__ ==" in path.read_text() and path.stem not in OTHERS
    }
    assert scripts == set(COMPARISONS)


def test_one_command_records_all_and_fills_the_page_last() -> None:
    made = commands([], quick=False, write=True, data="ROOT")
    assert made[-1] == ["bench.scaling_page", "--write"]
    assert [words[0] for words in made[:-1]] == [f"bench.{name}" for name in COMPARISONS]
    assert all("--write" in words for words in made)
    assert ["bench.epoch", "--write", "--data", "ROOT"] in made


def test_a_quick_look_records_nothing() -> None:
    made = commands(["epoch", "scaling"], quick=True, write=True)
    assert made == [["bench.epoch", "--quick"], ["bench.scaling", "--quick"]]
