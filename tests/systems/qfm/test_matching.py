"""Matching by its law, the memory by its order."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from kdiqa.systems.qfm.losses import cosines
from kdiqa.systems.qfm.matching import Matching
from kdiqa.systems.qfm.queue import Entries, Memory


def entries(count: int, images: int = 1000, seed: int = 0) -> Entries:
    at = Generator().manual_seed(seed)
    return Entries(
        torch.randn(count, 8, generator=at),
        torch.randn(count, 4, 6, generator=at).half(),
        torch.rand(count, generator=at),
        torch.randint(images, (count,), generator=at),
        torch.ones(count),
    )


def chosen(matching: Matching, rows: Entries, held: Entries, seed: int = 0) -> Tensor:
    generator = Generator().manual_seed(seed)
    candidates = matching.shortlist(rows, held, generator)
    choice = matching.draw(candidates.weight, generator)
    return candidates.entry.gather(1, choice[:, None]).squeeze(1)


@pytest.mark.parametrize("rule", ["low_sem_sim", "high_sem_sim", "random"])
def test_chosen_has_nearly_the_same_score_and_is_of_another_image(rule: str) -> None:
    rows, held = entries(50, seed=1), entries(400, images=30)
    rows = rows._replace(image=torch.arange(50) % 30)
    place = chosen(Matching(rule=rule, delta=0.1), rows, held)  # type: ignore[arg-type]
    assert ((held.score[place] - rows.score).abs() <= 0.1).all()
    assert (held.image[place] != rows.image).all()


@pytest.mark.parametrize(("rule", "sign"), [("low_sem_sim", 1), ("high_sem_sim", -1)])
def test_chosen_is_among_the_m_that_the_rule_ranks_first(rule: str, sign: int) -> None:
    rows, held = entries(40, seed=1), entries(300)
    matching = Matching(rule=rule, delta=0.2, candidates=5)  # type: ignore[arg-type]
    cosine = sign * cosines(rows.semantic, held.semantic)
    places = [chosen(matching, rows, held, seed) for seed in range(60)]
    for i in range(40):
        near = (held.score - rows.score[i]).abs() <= 0.2
        allowed = torch.nonzero(near & (held.image != rows.image[i])).squeeze(1)
        first = allowed[cosine[i, allowed].argsort()[:5]]
        assert {int(place[i]) for place in places} == set(first.tolist())


def test_where_no_score_is_near_the_k_nearest_of_other_images_stand_in() -> None:
    held = entries(100, images=10)._replace(score=torch.linspace(0.5, 1.0, 100))
    rows = entries(1)._replace(score=torch.zeros(1), image=held.image[:1])
    matching = Matching(delta=0.05, nearest=4, candidates=9)
    others = torch.nonzero(held.image != held.image[0]).squeeze(1)[:4]
    places = {int(chosen(matching, rows, held, seed)) for seed in range(80)}
    assert places == set(others.tolist())


def test_nothing_is_matched_where_all_entries_are_of_the_same_image() -> None:
    held = entries(6)._replace(image=torch.full((6,), 3))
    candidates = Matching().shortlist(held, held, Generator().manual_seed(0))
    assert not candidates.weight.any()


def test_withheld_opinion_matches_nothing_and_nobody() -> None:
    held, rows = entries(30), entries(4, seed=1)
    held.score[10:] = torch.nan
    rows.score[0] = torch.nan
    candidates = Matching(delta=0.0, nearest=20).shortlist(rows, held, Generator().manual_seed(0))
    assert not candidates.weight[0].any()
    assert (candidates.entry[1:][candidates.weight[1:] > 0] < 10).all()
    assert (candidates.weight[1:] > 0).any(dim=1).all()


def test_draw_goes_by_the_weights_and_by_the_generator() -> None:
    weight = torch.tensor([[1.0, 0.5, 0.0, 0.5]]).expand(20_000, 4)
    drawn = Matching.draw(weight, Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=4) / len(drawn)
    torch.testing.assert_close(share, torch.tensor([0.5, 0.25, 0.0, 0.25]), atol=0.02, rtol=0)
    assert torch.equal(drawn, Matching.draw(weight, Generator().manual_seed(0)))
    assert not torch.equal(drawn, Matching.draw(weight, Generator().manual_seed(1)))


def test_memory_holds_the_newest_first_in_first_out() -> None:
    memory, everything = Memory(size=10), entries(28)
    for begin in range(0, 28, 4):
        batch = Entries(*(part[begin : begin + 4] for part in everything))
        held = memory.push(batch)
        for kept, part in zip(held, everything, strict=True):
            assert torch.equal(kept, part[max(0, begin + 4 - 10) : begin + 4])


def test_memory_of_no_size_answers_with_the_batch() -> None:
    memory, batch = Memory(size=0), entries(5)
    memory.push(entries(3, seed=2))
    assert all(torch.equal(a, b) for a, b in zip(memory.push(batch), batch, strict=True))
    assert memory.state() == {}


def test_memory_keeps_no_gradient_and_comes_back_from_its_state() -> None:
    memory, batch = Memory(size=4), entries(5)
    held = memory.push(batch._replace(semantic=batch.semantic.requires_grad_()))
    assert not held.semantic.requires_grad
    other = Memory(size=4)
    other.restore(memory.state())
    assert other.held is not None
    assert all(torch.equal(a, b) for a, b in zip(other.held, held, strict=True))


def test_what_cannot_be_is_said() -> None:
    message = (
        r"^matching.rule is 'nearest'; it is one of: low_sem_sim, high_sem_sim, random, off.$"
    )
    with pytest.raises(ValueError, match=message):
        Matching(rule="nearest")  # type: ignore[arg-type]
    message = (
        "^matching needs at least one candidate and one nearest score, and a delta of 0 or more; it"
        r" has 0, 8 and 0\.05\.$"
    )
    with pytest.raises(ValueError, match=message):
        Matching(candidates=0)
    message = r"^A memory of -1 entries cannot be kept. Set memory.size to 0 or more.$"
    with pytest.raises(ValueError, match=message):
        Memory(size=-1)
