"""QFM-IQM's training: other images' features, of equal quality, are noise that must not matter."""

from typing import Any, Literal, NamedTuple

import torch
from torch import Generator, Tensor, nn

from kdiqa.batch import Batch, Prediction, Pyramid
from kdiqa.runtime.words import check_word
from kdiqa.systems.qfm.losses import noise_terms
from kdiqa.systems.qfm.matching import Matching
from kdiqa.systems.qfm.net import Seen
from kdiqa.systems.qfm.perturbation import Perturbation
from kdiqa.systems.qfm.queue import Entries, Memory
from kdiqa.training.student import StudentModule, teacher_of

Semantic = Literal["student", "frozen"]
VIEW = "view"  # the batch's key of the images that the teacher labels


class Shown(NamedTuple):
    """What a step trains on: images, then views, one row a crop, N = K·B·P."""

    levels: Pyramid
    r"""Each level of both, :math:`(K B, P, C_l, G, G)`."""
    crops: int
    """Crops P of an image."""
    mos: Tensor
    r"""Labels, and the teacher's scores of views, on the scale that is learnt, :math:`(N,)`."""
    image: Tensor
    r"""Whose crop it is: a view is its image's, :math:`(N,)`."""
    weight: Tensor
    r"""1, and the weight of a view, :math:`(N,)`."""


class NoiseMatchingModule(StudentModule):
    r"""Learns a score that matched features of other images do not change.

    .. math:: \ell(\hat{y}, y) + \ell(\hat{y}', y) + \lambda_c |\hat{y} - \hat{y}'|
        + \lambda_g \, \overline{g} + \lambda_d \mathcal{L}_{KD}

    With a distiller, a view of each image is a further sample: its label is the teacher's score,
    and all its terms weigh :math:`\lambda_d`, as it does in the memory (our interpretation). The
    memory is each rank's own. Neither it nor the noise is in the net: inference knows neither.

    Args:
        memory: Earlier crops, to match with.
        matching: Chooses among them.
        noise: Adds the chosen one's features.
        consistency: λ_c.
        gate: λ_g.
        semantic: By what images differ in meaning: ``student``, the net's semantic vector;
            ``frozen``, the coarsest level of frozen features.
        seed: Of the draws of matches, with the epoch, the batch and the rank.
        contrast: The loss of the paper's first version on the memory, in place of noise.
        options: As for :class:`StudentModule`, whose distiller compares predictions of a view; the
            net is a :class:`kdiqa.systems.qfm.net.PanelNet`.

    References:
        | QFM-IQM (ICML 2024): the abstract, captions quoted in reviews; no code is public
    """

    def __init__(
        self,
        *,
        memory: Memory,
        matching: Matching,
        noise: Perturbation,
        consistency: float = 0.5,
        gate: float = 1e-3,
        semantic: Semantic = "student",
        seed: int = 0,
        contrast: nn.Module | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_word("module.semantic", semantic, Semantic)
        self.memory, self.matching, self.noise = memory, matching, noise
        self.consistency, self.gate, self.semantic = consistency, gate, semantic
        self.seed, self.contrast = seed, contrast
        self.teachers_scale = (1.0, 0.0)

    def on_fit_start(self) -> None:
        """Learns how to read the teacher's scores: its labels may stand on another scale."""
        ours = self.trainer.datamodule.label  # type: ignore[attr-defined]
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            label = getattr(getattr(callback, "teacher", None), "label", None)
            if label is not None:
                theirs = type(ours)(**label)
                low, high = (ours.learned(theirs.to_unit(value)) for value in (0.0, 1.0))
                self.teachers_scale = (high - low, low)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Returns the loss, and the scores, to be compared with the teacher's."""
        shown = self.shown(batch)
        seen = self.net.read(shown.levels)
        score = self.net.decide(seen)
        prediction = self.net.prediction(score, seen.semantic, shown.crops)
        count = len(batch["mos"])
        images = slice(0, count * shown.crops)
        terms: dict[str, Tensor] = {"score": self.loss(score[images], shown.mos[images])}
        watched: dict[str, Tensor] = {}
        if self.distiller is not None:
            view = prediction._replace(
                score=prediction.score[count:], fused=prediction.fused[count:]
            )
            distilled, watched = self.distilled(view, self.labelled(batch), batch["mos"])
            terms |= distilled
        if seen.gate is not None:
            terms["gate"] = self.gate * seen.gate.float().mean()
        rows = self.entries(batch, shown, seen)
        held = self.memory.push(rows)
        if self.matching.rule != "off":
            noisy, also = self.disturbed(seen, score, rows, held, batch_idx)
            terms |= self.noisy_terms(noisy, score, shown.mos, images.stop)
            watched |= also
        if self.contrast is not None:
            gap = (rows.score[:, None] - held.score).abs()
            gap = gap.masked_fill(rows.image[:, None] == held.image, torch.inf)
            terms["contrast"] = self.contrast(seen.semantic, held.semantic, gap)
        total = self.log_terms(terms, watched, count)
        return {"loss": total, "score": prediction.score[-count:].detach()}

    def shown(self, batch: Batch) -> Shown:
        """Returns the images and, where a teacher labels them, their views, as one larger batch."""
        names = self.pair if self.distiller is None else (*self.pair, VIEW)
        pyramids = self.extract(batch, names)
        levels = [torch.cat(level) for level in zip(*(pyramids[n] for n in names), strict=True)]
        mos, weight = [batch["mos"]], [torch.ones_like(batch["mos"])]
        if self.distiller is not None:
            mos.append(self.labelled(batch).score.to(mos[0].dtype))
            weight.append(self.distill_weight.expand_as(weight[0]))
        rows = (torch.cat(mos), batch["index"].repeat(len(names)), torch.cat(weight))
        crops = levels[0].shape[1]
        return Shown(levels, crops, *(row.repeat_interleave(crops) for row in rows))

    def labelled(self, batch: Batch) -> Prediction:
        """Returns the teacher's prediction of the views, its scores on the student's label scale."""
        teacher = teacher_of(batch)
        scale, offset = self.teachers_scale
        return teacher._replace(score=scale * teacher.score + offset)

    def entries(self, batch: Batch, shown: Shown, seen: Seen) -> Entries:
        """Returns the crops of a batch as entries of the memory."""
        unit = self.trainer.datamodule.label.to_unit  # type: ignore[attr-defined]
        semantic = seen.semantic if self.semantic == "student" else self.frozen(batch, shown)
        return Entries(
            semantic.detach().float(),
            seen.patches.detach().half(),
            unit(shown.mos).detach(),
            shown.image,
            shown.weight,
        )

    def frozen(self, batch: Batch, shown: Shown) -> Tensor:
        r"""Returns the semantic vector of each crop by frozen features, :math:`(N, S)`."""
        if self.net.backbone.frozen:
            return shown.levels[-1].flatten(0, 1).mean(dim=(-2, -1))
        if "semantic" not in batch:
            raise RuntimeError(
                "module.semantic=frozen asks for features of a backbone that stays as it is, and"
                " this one is trained. Add a frozen copy of it (callbacks=frozen_semantics), or set"
                " module.semantic=student."
            )
        names = self.pair if self.distiller is None else (*self.pair, VIEW)
        return torch.cat([batch["semantic"][name] for name in names])

    def disturbed(
        self, seen: Seen, score: Tensor, rows: Entries, held: Entries, batch_idx: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        r"""Returns the scores of disturbed tokens, :math:`(N,)`, and what to log."""
        generator = self.generator(batch_idx)
        shortlist = self.matching.shortlist(rows, held, generator)
        epochs = self.current_epoch + batch_idx / max(1, self.trainer.num_training_batches)
        strength = self.noise.strength(epochs)
        matched = shortlist.weight.sum(dim=1) > 0

        def scored(choice: Tensor) -> Tensor:
            index = shortlist.entry.gather(1, choice[:, None]).squeeze(1)
            other = held.tokens[index]
            patches = self.noise(seen.patches, other, seen.gate, strength * matched)
            return self.net.decide(seen._replace(patches=patches))

        if self.matching.adversarial:
            with torch.no_grad():
                options = torch.arange(shortlist.entry.shape[1], device=score.device)
                tried = [scored(option.expand(len(score))) for option in options]
                change = (torch.stack(tried, dim=1) - score[:, None]).abs()
                choice = change.masked_fill(shortlist.weight == 0, -1.0).argmax(dim=1)
        else:
            choice = self.matching.draw(shortlist.weight, generator)
        noisy = scored(choice)
        chosen = shortlist.cosine.gather(1, choice[:, None]).squeeze(1)
        return noisy, {
            "noise_beta": torch.full_like(score[0].detach(), strength),
            "noise_change": (noisy - score).abs().mean().detach(),
            "match_cosine": (chosen * matched).sum() / matched.sum().clamp(min=1),
            "match_found": matched.float().mean(),
        }

    def noisy_terms(
        self, noisy: Tensor, score: Tensor, mos: Tensor, count: int
    ) -> dict[str, Tensor]:
        """Returns the terms of disturbed scores and undisturbed ones: ``count`` images, then views."""
        terms: dict[str, Tensor] = {}
        groups = [("", slice(0, count), torch.ones_like(self.distill_weight))]
        if self.distiller is not None:
            groups.append(("_view", slice(count, None), self.distill_weight))
        for name, rows, weight in groups:
            wrong, change = noise_terms(self.loss, noisy[rows], score[rows], mos[rows])
            terms[f"noisy{name}"] = weight * wrong
            terms[f"consistency{name}"] = weight * self.consistency * change
        return terms

    def generator(self, batch_idx: int) -> Generator:
        """Returns where this step's draws come from, on every rank and in every step another."""
        state = self.seed
        for number in (self.current_epoch, batch_idx, self.global_rank):
            state = (state * 1_000_003 + number) % 2**63
        return Generator(self.device).manual_seed(state)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the memory of every rank, so that a resumed run goes on with it bit by bit."""
        own = {name: column.to(self.device) for name, column in self.memory.state().items()}
        ranks = self.trainer.world_size
        every: Any = self.all_gather(own)
        checkpoint["memory"] = [
            {name: (x[rank] if ranks > 1 else x).cpu().clone() for name, x in every.items()}
            for rank in range(ranks)
        ]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes this rank's memory back; a rank that was not there before begins with another's."""
        states = checkpoint.get("memory") or [{}]
        self.memory.restore(states[self.global_rank % len(states)])
