"""Two processes: a memory on each, and a resume that is exact."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.runs import train, write_weights
from tests.systems.qfm.test_module import TOKENS
from tests.training.test_ddp import TWO, call


@pytest.mark.ddp
@pytest.mark.process
def test_each_process_keeps_its_own_memory_and_resumes_with_it(
    tmp_path: Path, fake_data: Path
) -> None:
    weights = write_weights(tmp_path / "weights.pth")
    root = (f"data.root={fake_data / 'biq2021'}", f"module.net.backbone.weights={weights}")
    words = ("experiment=qfm_biq2021", "distill=false", *TOKENS, *root, "trainer.max_epochs=1")
    teacher = train(*words, folder=tmp_path / "teacher")
    plain = [word for word in (*TOKENS, *root) if not word.startswith("trainer")]
    both = ["experiment=qfm_biq2021", *plain, *TWO, f"teacher={teacher}", "data.batch_size=4"]
    both += ["module.scheduler.T_max=2", "~callbacks.ema"]
    uninterrupted = call(*both, "trainer.max_epochs=2", folder=tmp_path / "uninterrupted")
    resumed = call(*both, "trainer.max_epochs=1", folder=tmp_path / "resumed")
    (resumed / "results.json").unlink()
    call(*both, "trainer.max_epochs=2", "resume=true", folder=resumed)
    a, b = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
        for folder in (uninterrupted, resumed)
    )
    torch.testing.assert_close(a["state_dict"], b["state_dict"], rtol=0, atol=0)
    torch.testing.assert_close(a["memory"], b["memory"], rtol=0, atol=0)
    first, second = (rank["image"] for rank in a["memory"])
    assert not torch.equal(first, second)
