"""Numbers that others published, to compare with ours, their protocols named."""

from pathlib import Path

import pandas as pd

FILE = Path(__file__).with_name("published.csv")


def published(test: str, train: str | None = None) -> pd.DataFrame:
    """Returns the published numbers of a test set, best SRCC first.

    They come from papers and repositories that differ in splits, crops and selection. A ranking
    across sources means nothing: show `protocol`, `mark` and `source` with every number.

    Args:
        test: the data set's name in `conf/data`, as `koniq10k`.
        train: the one trained on; the test set itself where it is None.

    Returns:
        Columns method, train, test, srcc, plcc, krcc (NaN where not reported), protocol, mark
        (`paper`, `code` or `third party`: where the number was read), source and note. `train` is
        empty for weights trained elsewhere.

    Example:
        >>> published("livec", train="koniq10k").query("method == 'AKD-IQA'")["srcc"].item()
        0.791
    """
    rows = pd.read_csv(FILE, comment="#")
    texts = rows.columns.difference(["srcc", "plcc", "krcc"])
    rows[texts] = rows[texts].fillna("")
    chosen = rows[(rows["test"] == test) & (rows["train"] == (train or test))]
    return chosen.sort_values("srcc", ascending=False, kind="stable").reset_index(drop=True)
