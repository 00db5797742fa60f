"""Which labels training sees: a law of the split, and a promise to the loss."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
from torch.utils.data import DataLoader

from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.scale import Label


def data(root: Path, **options: object) -> TID2013:
    module = TID2013(root / "tid2013", **options)  # type: ignore[arg-type]
    module.setup()
    return module


def labelled_in(module: TID2013) -> set[int]:
    """Returns the images whose labels training's batches hold."""
    loader: DataLoader[object] = module.train_dataloader()
    batches = list(loader)
    pairs = [
        (int(i), float(m)) for b in batches for i, m in zip(b["index"], b["mos"], strict=True)
    ]
    assert sorted(index for index, _ in pairs) == module.positions("train")
    return {index for index, mos in pairs if not math.isnan(mos)}


def test_training_is_told_the_share_it_asks_for_and_a_larger_share_holds_a_smaller(
    fake_data: Path,
) -> None:
    shares = (0.1, 0.25, 0.5, 1.0)
    sets = [labelled_in(data(fake_data, labelled=share)) for share in shares]
    count = len(data(fake_data).positions("train"))
    assert [len(one) for one in sets] == [max(1, round(share * count)) for share in shares]
    assert all(small <= large for small, large in pairwise(sets))


def test_a_whole_number_is_of_images_and_a_larger_one_holds_a_smaller(fake_data: Path) -> None:
    one, three = (labelled_in(data(fake_data, labelled=number)) for number in (1, 3))
    assert (len(one), len(three)) == (1, 3)
    assert one < three
    count = len(data(fake_data).positions("train"))
    message = (
        f"{count + 1} training images are to be labelled (data.labelled), and there are {count}. Set"
        " data.labelled=1.0 for all of them."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        data(fake_data, labelled=count + 1)


def test_no_image_is_spared_for_validation_where_the_last_epoch_is_taken(fake_data: Path) -> None:
    plain = data(fake_data, ratios=[0.5, 0, 0.5])
    module = data(fake_data, ratios=[0.5, 0, 0.5], select_on="train")
    assert module.positions("train") == sorted(plain.positions("train") + plain.positions("val"))
    assert module.positions("val") == module.positions("train")
    assert module.positions("test") == plain.positions("test")
    assert "val" not in module.assignment.subsets


def test_the_choice_follows_the_split_and_not_the_seed(fake_data: Path) -> None:
    one = data(fake_data, labelled=0.25, seed=0).labelled()
    assert one == data(fake_data, labelled=0.25, seed=7).labelled()
    other = data(fake_data, labelled=0.25, split=1)
    assert other.labelled() != one
    assert set(other.labelled()) <= set(other.positions("train"))


def test_what_is_tested_keeps_its_labels(fake_data: Path) -> None:
    module = data(fake_data, labelled=0.25)
    for part in ("val", "test"):
        assert not any(math.isnan(record.mos) for record in module.dataset(part).records)
    assert module.digest == data(fake_data).digest


def test_standardised_labels_are_fitted_to_the_labels_that_are_refused(fake_data: Path) -> None:
    module = data(fake_data, labelled=0.25, label_scale="zscore")
    mos = [module.records[index].mos for index in module.labelled()]
    assert module.label == Label(0, 9, scale="zscore").fitted(mos)
    assert module.label != data(fake_data, label_scale="zscore").label


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_that_is_none_is_refused(share: float, fake_data: Path) -> None:
    message = (
        f"The share of the labelled training images is {share:g}. Set data.labelled to more"
        " than 0 and at most 1.0, or to a whole number of images."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TID2013(fake_data / "tid2013", labelled=share)
