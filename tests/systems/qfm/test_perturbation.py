"""Each way of disturbing tokens, by its formula."""

from __future__ import annotations

import pytest
import torch

from kdiqa.systems.qfm.perturbation import Perturbation

DRAW = torch.Generator().manual_seed(0)
OWN = torch.randn(3, 5, 8, dtype=torch.float64, generator=DRAW)
OTHER = 3 + 2 * torch.randn(3, 5, 8, dtype=torch.float64, generator=DRAW)
BETA = torch.tensor([0.3, 0.0, 0.3], dtype=torch.float64)


def disturbed(kind: str, **options: object) -> torch.Tensor:
    noise = Perturbation(kind=kind, **options)  # type: ignore[arg-type]
    return noise(OWN, OTHER, torch.full((3, 8), 0.25, dtype=torch.float64), BETA)


@pytest.mark.parametrize("kind", ["add", "adain", "mix"])
def test_row_without_a_match_stays_as_it_is(kind: str) -> None:
    result = disturbed(kind)
    assert torch.equal(result[1], OWN[1])
    assert not torch.allclose(result[0], OWN[0])


def test_add_adds_the_normalised_tokens() -> None:
    middle = OTHER.mean(-1, keepdim=True)
    plain = (OTHER - middle) / (OTHER.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(disturbed("add")[0], OWN[0] + 0.3 * plain[0])


def test_mix_goes_part_of_the_way() -> None:
    torch.testing.assert_close(disturbed("mix")[0], 0.7 * OWN[0] + 0.3 * OTHER[0])


def test_adain_takes_on_the_others_statistics() -> None:
    noise = Perturbation(kind="adain")
    result = noise(OWN, OTHER, None, torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(result.mean(1), OTHER.mean(1))
    torch.testing.assert_close(result.std(1), OTHER.std(1), rtol=1e-3, atol=1e-3)


def test_noise_enters_where_the_gate_is_shut() -> None:
    plain, gated = disturbed("add"), disturbed("add", by_gate=True)
    torch.testing.assert_close(gated - OWN, 0.75 * (plain - OWN))


def test_what_cannot_be_is_said() -> None:
    message = (
        r"^noise.by_gate=true scales the noise by the net's gate, and it has none. Set"
        r" module.net.gate=true, or module.noise.by_gate=false.$"
    )
    with pytest.raises(ValueError, match=message):
        Perturbation(by_gate=True)(OWN, OTHER, None, BETA)
    with pytest.raises(
        ValueError, match=r"^noise.kind is 'blur'; it is one of: add, adain, mix.$"
    ):
        Perturbation(kind="blur")  # type: ignore[arg-type]
