"""One of two processes that compute a metric: ``python -m tests.scorer.two_ranks RANK STORE OUT``."""

import sys

import torch
from torch import distributed

from kdiqa.data.crops import Crops
from tests.fakes import picture
from tests.scorers import small

if __name__ == "__main__":
    torch.set_num_threads(1)
    rank, store, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    scorer = small(Crops(1, 92, "center"))
    pictures = [torch.from_numpy(picture(i, 92, 100)).permute(2, 0, 1) for i in range(5)]
    results = {}
    for shares in ((range(3), range(3, 5)), (range(5), range(0))):
        mean, each = scorer.as_metric(), scorer.as_metric("none")
        for i in shares[rank]:
            for metric in (mean, each):
                metric.update(pictures[i][None])
        results[len(shares[0])] = {"mean": mean.compute(), "each": each.compute()}
    torch.save(results, f"{out}{rank}.pt")
    distributed.destroy_process_group()
