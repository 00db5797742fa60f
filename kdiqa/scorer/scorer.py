"""From a finished run to a number for any picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from kdiqa.batch import Pyramid
from kdiqa.bundled import WEIGHTS
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.instantiate import DATA_ONLY, instantiate
from kdiqa.data.crops import Crops
from kdiqa.data.dataset import references_of
from kdiqa.data.pairs.pairing import (
    Pairing,
    Redistorted,
    Reference,
    ReferenceOrRedistorted,
)
from kdiqa.data.pairs.pool import recalled
from kdiqa.data.scale import Label
from kdiqa.models.bank import ReferenceBank
from kdiqa.models.digest import digest
from kdiqa.scorer.pictures import Picture, to_pixels
from kdiqa.scorer.quality_map import QualityMap, quality_map
from kdiqa.scorer.views import MAX_PIXELS, SeedBy, Views

if TYPE_CHECKING:  # loaded where they are used: who only scores waits for neither
    from matplotlib.figure import Figure

    from kdiqa.scorer.loss import QualityLoss
    from kdiqa.scorer.metric import QualityMetric, Reduction


class Scorer:
    """Says how good pictures look: a student, with all that its run did before it.

    The same picture has the same score, to 1e-5, whatever batch it is in, whatever stands beside
    it and however many processes read. Its draws follow from its pixels, not from its name: the
    scores of the run's own tables differ from these by what another draw of crops and noise
    makes, and by the rounding of features kept on disk. ``load(path, seed_by="name")`` draws as
    the run did.

    Args:
        net: Maps two pyramids to a prediction; in evaluation mode, on its device.
        views: What it sees of a picture.
        pair: Names of the image and of what it is compared with.
        label: What it learnt to predict.
        digest: 12 hex digits that name all of this.
        bank: The references that every picture is compared with, if it is not with one of its own.
    """

    def __init__(
        self,
        net: nn.Module,
        views: Views,
        pair: Sequence[str],
        label: Label,
        digest: str,
        bank: ReferenceBank | None = None,
    ) -> None:
        self.net: Any = net
        self.views, self.pair, self.label, self.digest = views, tuple(pair), label, digest
        self.bank = bank
        self.device = next(net.parameters()).device

    def score(self, image: Picture | Sequence[Any], units: bool = False) -> Any:
        """Returns a score in [0, 1], higher is better; of a list, a list.

        Args:
            image: A path, an array uint8 :math:`(H, W, 3)`, a tensor :math:`(3, H, W)` of uint8
                or of floats in [0, 1], a Pillow image, or a list of any of them; RGB throughout.
            units: In the data set's own units and direction instead, as its authors score.

        Raises:
            ImageReadError: If a path holds no picture.
            ValueError: If pixels have another shape or type.
        """
        if isinstance(image, list | tuple):
            return [self.score(one, units) for one in image]
        pixels, name = to_pixels(image)
        batch = {key: crops[None] for key, crops in self.views(pixels, name).items()}
        score = float(self.predict(batch))
        return self.label.authors(score) if units else score

    def predict(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns the scores of a batch of crops, :math:`(B,)` in [0, 1], higher is better.

        Args:
            batch: By name, uint8 :math:`(B, P, 3, H, W)`, as :attr:`views` makes them.
        """
        with torch.inference_mode():
            return self.judged(self.pyramids(batch)).cpu()

    def pyramids(self, batch: Mapping[str, Tensor]) -> dict[str, Pyramid]:
        """Returns the features of a batch of crops, by name; of a bank's references none anew."""
        keys = ["image"] if self.bank is not None else sorted(set(self.pair))
        crops = [batch[key].to(self.device, non_blocking=True) for key in keys]
        return dict(zip(keys, self.net.backbone(crops), strict=True))

    def judged(self, pyramids: Mapping[str, Pyramid]) -> Tensor:
        """Returns what the net makes of features, :math:`(B,)` in [0, 1]."""
        if self.bank is not None:
            learned = self.bank.score(self.net, pyramids["image"])
        else:
            learned = self.net(*(pyramids[key] for key in self.pair)).score
        # A prediction may leave the scale by a little, a score may not.
        return self.label.to_unit(learned.double()).clamp(0, 1)

    def map(self, image: Picture, tile: int | None = None, overlap: float = 0.5) -> QualityMap:
        """Returns where in a picture its quality is high or low, and which level says so.

        See :func:`kdiqa.scorer.quality_map.quality_map`.
        """
        return quality_map(self, image, tile, overlap)

    def explain(self, image: Picture, tile: int | None = None, overlap: float = 0.5) -> Figure:
        """Returns a figure of a picture: its score, its map, and what each level adds to both.

        See :func:`kdiqa.scorer.quality_map.quality_map` for the arguments.
        """
        from kdiqa.figures.quality import explanation

        pixels, _ = to_pixels(image)
        return explanation(pixels, self.map(image, tile, overlap))

    def as_metric(self, reduction: Reduction = "mean") -> QualityMetric:
        """Returns this scorer as a ``torchmetrics.Metric``: see :class:`kdiqa.scorer.metric.QualityMetric`."""
        from kdiqa.scorer.metric import QualityMetric

        return QualityMetric(self, reduction)

    def as_loss(self) -> QualityLoss:
        """Returns 1 − score, differentiable: see :class:`kdiqa.scorer.loss.QualityLoss`."""
        from kdiqa.scorer.loss import QualityLoss

        return QualityLoss(self)


def load(
    path: str | Path | Checkpoint | None = None,
    device: str = "cpu",
    seed_by: SeedBy = "content",
    max_pixels: int = MAX_PIXELS,
    pool: str | Path | None = None,
) -> Scorer:
    """Returns the scorer of a student; nothing is downloaded.

    Args:
        path: A checkpoint, or one that has been read; a run folder, of which the best one is
            taken; a packed student (.safetensors); None for the one that is bundled here.
        device: As torch names it.
        seed_by: What crops and re-distortions are drawn by: ``content`` or ``name``, see
            :class:`kdiqa.scorer.views.Views`.
        max_pixels: A larger picture is shrunk to them before it is re-distorted.
        pool: Where the references of the run's bank lie now; by default, where they lay.

    Raises:
        FileNotFoundError: If there is no checkpoint, or a reference is missing.
        ValueError: If it is none of ours, or a teacher's.
    """
    return opened(path, device, seed_by, max_pixels, paired, pool)


def opened(
    path: str | Path | Checkpoint | None,
    device: str,
    seed_by: SeedBy,
    max_pixels: int,
    beside: Callable[[Path, str, Mapping[str, Any]], Pairing],
    pool: str | Path | None = None,
) -> Scorer:
    """Returns the scorer of a checkpoint, as :func:`load` does.

    Args:
        path: As there, like what follows.
        device: Likewise.
        seed_by: Likewise.
        max_pixels: Likewise.
        beside: What the net compares a picture with, by the checkpoint's path, the second image's
            name and the configuration of the run's data.
        pool: As there.
    """
    if isinstance(path, Checkpoint):
        checkpoint = path
    else:
        checkpoint = Checkpoint.read(WEIGHTS if path is None else path)
    file, told = checkpoint.path, checkpoint.description
    config: Any = OmegaConf.to_container(checkpoint.config, resolve=False)
    data, pair, banks = config["data"], told["pair"], told.get("banks") or {}
    data["pairs"] = recalled(data.get("pairs") or {}, banks, pool)
    pairs = {name: beside(file, name, data) for name in dict.fromkeys(pair) if name != "image"}
    node = data.get("test_crops")
    crops = instantiate(node, DATA_ONLY) if node else Crops(num=1, size=224, mode="center")
    seed = int(data.get("seed", told["seed"]))
    net: Any = checkpoint.net()
    label = Label(**checkpoint.label)
    nodes = {name: banks.get(name, data["pairs"][name]) for name in pairs}
    text = f"{told['net']} {node} {nodes} {seed} {pair} {label} {seed_by} {max_pixels}"
    views = Views(crops, pairs, seed, seed_by, max_pixels)
    net = net.to(device)
    references = references_of(pairs, crops, seed)
    bank = None if references is None else ReferenceBank.of(net.backbone, references, pair)
    return Scorer(net, views, pair, label, digest(net.state_dict(), text), bank)


def paired(path: Path, name: str, data: Mapping[str, Any]) -> Pairing:
    """Returns what a checkpoint's net compares an image with, if any picture has it."""
    pairing = pairing_of(path, name, data)
    if isinstance(pairing, Reference):
        raise ValueError(
            f"'{path}' is a teacher: it compares an image with its pristine reference, which a"
            " photograph does not have.\nGive the run folder of a student; train one with:"
            f" python -m kdiqa.train experiment=akd_demo teacher={path}"
        )
    pairing.check([])
    return pairing


def pairing_of(path: Path, name: str, data: Mapping[str, Any]) -> Pairing:
    """Returns what a checkpoint's net was compared with in its run, less what needs its disk."""
    node = (data.get("pairs") or {}).get(name)
    if node is None:
        raise ValueError(
            f"'{path}' compares an image with '{name}', and its configuration does not say what"
            f" that is (data.pairs.{name}). Give the run folder of a student."
        )
    plain = {key: value for key, value in node.items() if key != "cache"}  # of another machine
    pairing: Pairing = instantiate(plain, DATA_ONLY)
    if isinstance(pairing, ReferenceOrRedistorted):
        pairing = pairing.redistorted
    if isinstance(pairing, Redistorted):
        pairing.cache = None
    return pairing
