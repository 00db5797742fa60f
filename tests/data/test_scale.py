import re

import numpy as np
import pytest
import torch

from kdiqa.data.scale import Label, LabelScale

SCALES: list[LabelScale] = ["unit", "raw", "zscore", "rank"]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("lower_is_better", [False, True])
def test_the_way_back_undoes_the_way_there(scale: LabelScale, lower_is_better: bool) -> None:
    label = Label(1, 5, lower_is_better, scale).fitted([0.1, 0.4, 0.7])
    unit = np.linspace(0, 1, 7)
    np.testing.assert_allclose(label.to_unit(label.learned(unit)), unit, atol=1e-10)
    learned = label.learned(torch.tensor(unit))
    torch.testing.assert_close(label.to_unit(learned), torch.tensor(unit))


@pytest.mark.parametrize("scale", SCALES)
def test_what_is_learned_rises_with_quality(scale: LabelScale) -> None:
    for lower_is_better, worse, better in [(False, 20.0, 60.0), (True, 60.0, 20.0)]:
        label = Label(0, 100, lower_is_better, scale)
        assert label.learned(label.unit(worse)) < label.learned(label.unit(better))


def test_raw_opinion_scores_stay_as_they_are_and_dmos_is_mirrored() -> None:
    assert Label(0, 9, scale="raw").learned(Label(0, 9).unit(4.5)) == 4.5
    dmos = Label(-5, 115, lower_is_better=True, scale="raw")
    assert dmos.learned(dmos.unit(-5.0)) == 115


def test_zscores_have_mean_0_and_deviation_1_over_what_they_were_fitted_to() -> None:
    unit = [0.2, 0.5, 0.9, 0.95]
    label = Label(1, 5, scale="zscore").fitted(unit)
    scores = label.learned(np.array(unit))
    assert abs(scores.mean()) < 1e-12
    assert abs(scores.std() - 1) < 1e-12


def test_ranks_are_even_over_what_they_were_fitted_to_and_equal_scores_share_one() -> None:
    unit = np.random.default_rng(0).beta(2, 5, 1000)
    label = Label(0, 1, scale="rank").fitted(unit.tolist())
    ranks = label.learned(unit)
    assert (ranks.min(), ranks.max()) == pytest.approx((0, 1), abs=1e-9)
    even = np.argsort(np.argsort(unit)) / 999
    np.testing.assert_allclose(ranks, even, atol=0.02)
    assert label.learned(float(unit[3])) == pytest.approx(ranks[3], abs=1e-12)
    many = Label(0, 1, scale="rank").fitted([0.2] * 50 + [0.4] * 50)
    assert 0 <= many.learned(0.2) < many.learned(0.3) < many.learned(0.4) <= 1


def test_a_rank_has_a_gradient() -> None:
    label = Label(0, 1, scale="rank").fitted([0.1, 0.2, 0.6, 0.7])
    score = torch.tensor([-0.2, 0.3, 1.4], requires_grad=True)
    label.to_unit(score).sum().backward()
    assert (score.grad > 0).all()


def test_a_label_survives_a_checkpoint() -> None:
    label = Label(1, 5, True, "zscore").fitted([0.2, 0.4])
    assert Label(**label.as_dict()) == label
    assert {type(value) for value in label.as_dict().values()} <= {float, int, bool, str, list}
    ranked = Label(1, 5, scale="rank").fitted([0.2, 0.4])
    assert Label(**ranked.as_dict()) == ranked


def test_an_unknown_scale_is_refused() -> None:
    message = "label_scale is 'percent'; it is one of: unit, raw, zscore, rank."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Label(0, 1, scale="percent")  # type: ignore[arg-type]
