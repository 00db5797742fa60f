import json
import subprocess
import sys
from pathlib import Path

import pytest

from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.doctor import __main__ as doctor
from kdiqa.doctor import command
from kdiqa.doctor.datasets import card, names

USAGE = "usage: kdiqa doctor [-h] VERB ...\nkdiqa doctor: error: "


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def usage_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Returns what is said of wrong usage."""
    with pytest.raises(SystemExit) as stopped:
        doctor.main(arguments)
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(USAGE)
    return printed.err.removeprefix(USAGE).strip()


def test_the_list_has_every_data_set_with_its_source_and_licence(
    capsys: pytest.CaptureFixture[str], fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    assert doctor.main(["list"]) == 0
    shown = capsys.readouterr().out
    for name in names():
        known = card(name)
        assert f"\n{name} " in f"\n{shown}"
        source = f"from {known['homepage']}; " if known["homepage"] else ""
        assert f"  {source}{known['licence']}" in shown
    assert "tid2013        3 000 images    25 contents  0 to 9 ↑  here\n" in shown


def test_one_data_set_is_shown_with_its_tree(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(tmp_path))
    assert doctor.main(["list", "tid2013"]) == 0
    shown = capsys.readouterr().out
    for file in TID2013.layout:
        assert f"\n    {file}\n" in shown
    for line in (
        f"from      {TID2013.homepage}",
        f"licence   {TID2013.licence}",
        "scores    0 to 9, higher is better",
        "whole     3000 images, scores from 0.2424 to 7.2143, mean 4.4747, 25 contents",
        f"here      is not there yet: unpack it to {tmp_path / 'tid2013'}, or set data.root",
    ):
        assert f"\n  {line}\n" in shown


def test_the_list_is_there_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["list", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in cards] == names()
    assert doctor.main(["list", "koniq10k", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["images"] == 10073


@pytest.mark.process
def test_a_reader_that_has_read_enough_ends_it_quietly(fake_data: Path) -> None:
    root = fake_data / "tid2013"
    code = f"{sys.executable} -m kdiqa.doctor verify tid2013 '{root}' --json --fast | true"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_verify_prints_each_check_and_its_verdict(
    capsys: pytest.CaptureFixture[str], fake_data: Path
) -> None:
    assert doctor.main(["verify", "tid2013", str(fake_data / "tid2013")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"TID2013 in '{fake_data / 'tid2013'}'"
    assert "  note   labels      36 of 3000 images listed: a partial copy" in lines
    assert "  fine   decoding    all 42 image files can be read" in lines
    assert lines[-1] == "Nothing is wrong."


def test_verify_exits_with_1_and_names_the_first_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, fake_data: Path
) -> None:
    labels = (fake_data / "tid2013" / "mos_with_names.txt").read_text()
    (tmp_path / "mos_with_names.txt").write_text(labels)
    assert doctor.main(["verify", "tid2013", str(tmp_path), "--fast"]) == 1
    shown = capsys.readouterr().out
    assert "\n                     … and 31 more; --json names all\n" in shown
    assert shown.endswith("\n2 faults.\n")


def test_verify_prints_nothing_but_json_where_that_is_asked_for(
    capsys: pytest.CaptureFixture[str], fake_data: Path
) -> None:
    root = fake_data / "koniq10k"
    arguments = ["verify", "koniq10k", str(root), "image_size=512x384", "--json", "label=mos_5"]
    assert doctor.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["root"], found["fine"]) == ("koniq10k", str(root), True)
    assert found["checks"][0]["message"].startswith("24 images of 24 contents, scores from 2.0")
    assert doctor.main(["verify", "koniq10k", str(root / "nowhere"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [check["state"] for check in found["checks"]] == ["fault"]


def test_an_unknown_data_set_is_told_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = usage_error(capsys, "verify", "Koniq-10k", "x")
    there = f"There are: {', '.join(names())}."
    assert said == f"No data set 'Koniq-10k'. Did you mean koniq10k? {there}"


def test_a_setting_that_a_data_set_does_not_have_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = usage_error(capsys, "verify", "koniq10k", "x", "size=512x384")
    assert said.startswith(
        "koniq10k has no setting 'size=512x384'. Write key=value, with a key of: "
    )
    assert said.endswith("image_size, label.")


def test_a_value_that_a_setting_does_not_take_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    said = usage_error(capsys, "verify", "koniq10k", "x", "label=mos")
    assert said == "data.label is 'mos'; it is one of: mos_100, mos_5."


@pytest.mark.parametrize("word", ["--quick", "more"])
def test_a_word_that_means_nothing_is_told(capsys: pytest.CaptureFixture[str], word: str) -> None:
    said = usage_error(capsys, "verify", "koniq10k", "x", word)
    assert said == f"'{word}' is no argument of verify."


@pytest.mark.parametrize("verb", ["stats", "duplicates"])
def test_other_verbs_tell_a_missing_folder_in_a_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: str
) -> None:
    assert doctor.main([verb, "tid2013", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"kdiqa doctor: TID2013 lacks 'mos_with_names.txt' in '{tmp_path}'. Unpack it "
        f"there from\n{TID2013.homepage}, or set data.root (now from data.root) to where it is.\n"
    )
    assert not (tmp_path / "out").exists()


def test_an_interruption_ends_quietly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fake_data: Path
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "verify", interrupted)
    assert doctor.main(["verify", "tid2013", str(fake_data / "tid2013")]) == 130
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""
