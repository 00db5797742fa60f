"""A scorer as a metric: the same numbers from one process and from two."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from kdiqa.data.crops import Crops
from kdiqa.scorer import Scorer
from kdiqa.scorer.metric import QualityMetric
from tests.fakes import picture
from tests.scorers import small
from tests.waiting import PATIENCE

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return small(Crops(1, 92, "center"))


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    pictures = [torch.from_numpy(picture(i, 92, 100)).permute(2, 0, 1) for i in range(5)]
    return torch.stack(pictures)


def test_the_mean_is_that_of_all_images_whatever_the_batches(
    scorer: Scorer, batch: torch.Tensor
) -> None:
    metric = scorer.as_metric()
    metric.update(batch[:4] / 255)
    metric.update(batch[4:])
    expected = np.mean(scorer.score(list(batch)))
    assert float(metric.compute()) == pytest.approx(expected, abs=1e-7)
    assert metric.compute().dtype == torch.float64
    metric.reset()
    with pytest.warns(UserWarning, match="was called before the ``update`` method"):
        assert torch.isnan(metric.compute())


def test_the_list_has_a_score_for_each_image_in_order(scorer: Scorer, batch: torch.Tensor) -> None:
    with pytest.warns(UserWarning, match="was called before the ``update`` method"):
        assert scorer.as_metric("none").compute().shape == (0,)
    metric = scorer.as_metric("none")
    metric.update(list(batch[:3]))
    metric.update(batch[3:])
    np.testing.assert_allclose(metric.compute(), scorer.score(list(batch)), rtol=0, atol=1e-7)


def test_a_metric_survives_copying_and_has_its_properties(
    scorer: Scorer, batch: torch.Tensor
) -> None:
    metric = scorer.as_metric()
    metric.update(batch[:2])
    copy = pickle.loads(pickle.dumps(metric))
    copy.update(batch[2:])
    assert float(copy.compute()) == pytest.approx(np.mean(scorer.score(list(batch))), abs=1e-7)
    assert metric.higher_is_better
    assert not metric.is_differentiable
    assert float(metric(batch[:1])) == pytest.approx(scorer.score(batch[0]), abs=1e-7)


def test_another_reduction_is_named(scorer: Scorer) -> None:
    message = "reduction is 'median'; it is one of: mean, none."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        scorer.as_metric("median")  # type: ignore[arg-type]


@pytest.mark.ddp
@pytest.mark.process
def test_two_processes_compute_what_one_does(
    scorer: Scorer, batch: torch.Tensor, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.scorer.two_ranks"]
    words = [str(tmp_path / "store"), str(tmp_path / "rank")]
    ranks = [
        subprocess.Popen([*command, str(rank), *words], cwd=REPOSITORY, stderr=subprocess.PIPE)
        for rank in (0, 1)
    ]
    errors = [rank.communicate(timeout=PATIENCE)[1].decode() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], errors
    expected = scorer.score(list(batch))
    for rank in (0, 1):
        for first in (3, 5):  # pictures of the first process: the second one may have none
            results = torch.load(tmp_path / f"rank{rank}.pt", weights_only=True)[first]
            np.testing.assert_allclose(results["each"], expected, rtol=0, atol=1e-6)
            assert float(results["mean"]) == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_metric_of_a_path_loads_it(tmp_path: Path) -> None:
    message = (
        f"No checkpoint at '{tmp_path / 'gone'}': neither a file nor a run folder with"
        " checkpoints/best.ckpt. Train one with: python -m kdiqa.train experiment=akd_demo"
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        QualityMetric(tmp_path / "gone")
