"""Semantic vectors of a batch by a frozen backbone, next to one that is trained."""

from typing import Any

import lightning as L
import torch

from kdiqa.batch import Batch


class FrozenSemantics(L.Callback):
    r"""Adds ``semantic`` to every training batch: by image key, one vector a crop, :math:`(B P, S)`.

    Frozen, and so outside the module tree, the optimizer and the checkpoint.

    Args:
        backbone: A :class:`kdiqa.models.backbone.Backbone`; its coarsest level, averaged over positions.
    """

    def __init__(self, backbone: Any) -> None:
        self.backbone = backbone.requires_grad_(False).eval()

    def on_fit_start(self, trainer: L.Trainer, module: Any) -> None:
        """Brings the backbone to the module's device."""
        self.backbone.to(module.device)

    def on_train_batch_start(
        self, trainer: L.Trainer, module: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Adds the semantic vectors of the batch."""
        names = [name for name in (*module.pair, "view") if name in batch]
        with torch.no_grad(), trainer.precision_plugin.forward_context():
            pyramids = self.backbone([batch[name] for name in names])
        batch["semantic"] = {
            name: pyramid[-1].flatten(0, 1).float().mean(dim=(-2, -1))
            for name, pyramid in zip(names, pyramids, strict=True)
        }
