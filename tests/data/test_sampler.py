import pytest
import torch.distributed as dist

from kdiqa.data.sampler import EpochSampler


def keys(
    monkeypatch: pytest.MonkeyPatch, sampler: EpochSampler, epoch: int, world: int
) -> list[list[int]]:
    """Returns the keys of an epoch of every rank."""
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: world)
    sampler.set_epoch(epoch)
    ranks = []
    for rank in range(world):
        monkeypatch.setattr(dist, "get_rank", lambda rank=rank: rank)
        ranks.append(list(sampler))
        assert len(sampler) == len(ranks[-1])
    return ranks


def test_one_process_reads_every_record_once_in_an_epoch() -> None:
    sampler = EpochSampler(10, shuffle=True)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        assert sorted(sampler) == list(range(epoch * 10, epoch * 10 + 10))


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    orders = {}
    for seed in (0, 1):
        for epoch in (0, 1):
            sampler = EpochSampler(50, shuffle=True, seed=seed)
            sampler.set_epoch(epoch)
            orders[seed, epoch] = tuple(key % 50 for key in sampler)
            assert orders[seed, epoch] == tuple(key % 50 for key in sampler)
    assert len(set(orders.values())) == 4


def test_evaluation_reads_in_order() -> None:
    assert list(EpochSampler(4, shuffle=False)) == [0, 1, 2, 3]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("size", "world"), [(10, 2), (10, 3), (2, 5), (1, 4)])
def test_ranks_read_equally_many_and_together_all(
    monkeypatch: pytest.MonkeyPatch, shuffle: bool, size: int, world: int
) -> None:
    ranks = keys(monkeypatch, EpochSampler(size, shuffle), epoch=2, world=world)
    assert {len(rank) for rank in ranks} == {-(-size // world)}
    together = [key - 2 * size for rank in ranks for key in rank]
    assert set(together) == set(range(size))
    assert len(together) < size + world


def test_two_ranks_read_what_one_process_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = EpochSampler(10, shuffle=True, seed=4)
    sampler.set_epoch(3)
    alone = list(sampler)
    ranks = keys(monkeypatch, sampler, epoch=3, world=2)
    assert [key for pair in zip(*ranks, strict=True) for key in pair] == alone
