"""Published numbers, spot-checked against the tables they were taken from."""

import pandas as pd
import pytest

from kdiqa.report.published import FILE, published

TABLE = pd.read_csv(FILE, comment="#", keep_default_na=False)
DATASETS = {"live", "csiq", "tid2013", "kadid10k", "koniq10k", "livec", "bid", "spaq", "flive"}


@pytest.mark.parametrize(
    ("method", "train", "test", "source", "srcc", "plcc"),
    [
        ("HyperIQA", "koniq10k", "koniq10k", "CMPA", 0.906, 0.917),
        ("LoDa", "tid2013", "tid2013", "CMPA", 0.869, 0.901),
        ("TReS", "flive", "flive", "CMPA", 0.544, 0.625),
        ("QMamba", "livec", "livec", "CMPA", 0.863, 0.903),
        ("ARNIQA", "kadid10k", "kadid10k", "ARNIQA", 0.908, 0.912),
        ("LIQE (authors)", "csiq", "csiq", "LIQE", 0.936, 0.939),
        ("QFM-IQM", "spaq", "spaq", "DR.Experts", 0.920, 0.924),
        ("HyperIQA", "koniq10k", "livec", "pyiqa", 0.7546, 0.7779),
        ("MANIQA", "koniq10k", "livec", "pyiqa", 0.8399, 0.8262),
        ("TOPIQ-FR", "kadid10k", "live", "pyiqa", 0.9759, 0.9542),
        ("HyperIQA", "koniq10k", "kadid10k", "DeQA", 0.468, 0.506),
    ],
)
def test_both_correlations_are_those_of_the_source(
    method: str, train: str, test: str, source: str, srcc: float, plcc: float
) -> None:
    rows = published(test, train)
    row = rows[(rows["method"] == method) & rows["source"].str.contains(source)]
    assert row[["srcc", "plcc"]].to_numpy().tolist() == [[srcc, plcc]]


def test_the_row_of_akd_iqa_is_whole() -> None:
    rows = TABLE[TABLE["method"] == "AKD-IQA"]
    found = [f"{row.train} {row.test} {row.srcc}" for row in rows.itertuples()]
    assert found == [
        *("live csiq 0.759", "live tid2013 0.565", "csiq live 0.938", "csiq tid2013 0.571"),
        *("tid2013 live 0.883", "tid2013 csiq 0.734", "livec bid 0.879", "livec koniq10k 0.734"),
        *("bid livec 0.779", "bid koniq10k 0.690", "koniq10k livec 0.791", "koniq10k bid 0.813"),
    ]
    assert "out of line" in rows["note"].iloc[6]


def test_every_number_says_where_it_was_read_and_how_it_came_about() -> None:
    for row in TABLE.itertuples():
        assert row.test in DATASETS
        assert row.train in DATASETS | {""}
        assert row.mark in {"paper", "code", "third party"}
        assert row.source
        assert row.protocol
        values = [float(text) for text in (row.srcc, row.plcc, row.krcc) if text]
        assert values
        assert all(0.4 < value < 1 for value in values)
    assert not TABLE.duplicated(["method", "train", "test", "source", "protocol"]).any()


def test_the_best_stand_first_and_what_is_unknown_gives_an_empty_table() -> None:
    assert published("koniq10k")["srcc"].is_monotonic_decreasing
    assert published("biq2021").empty
