"""Weightings by the sample: the gate, and the trust in the teacher."""

from typing import Literal

from torch import Tensor, nn

from kdiqa.batch import Prediction
from kdiqa.systems.akd.weighting import Weighed, Weighting
from kdiqa.training.distiller import standardised


class GateWeighting(Weighting):
    r"""Image-adaptive weights :math:`\omega(x) = \mathrm{softmax}(\mathrm{MLP}(\mathrm{GAP}[h_1..h_L]))`.

    Args:
        num_levels: Levels L of the nets.
        dim: Width D of their tokens.
        source: Whose last block decides.
        entropy: Weight of the negative entropy, which keeps the gate from closing on one level.
    """

    def __init__(
        self,
        num_levels: int = 4,
        dim: int = 64,
        source: Literal["student", "teacher"] = "student",
        entropy: float = 0.01,
    ) -> None:
        super().__init__()
        self.source, self.entropy = source, entropy
        self.gate = nn.Sequential(
            nn.Linear(num_levels * dim, dim), nn.GELU(), nn.Linear(dim, num_levels)
        )

    def forward(
        self, losses: Tensor, student: Prediction, teacher: Prediction, mos: Tensor
    ) -> Weighed:
        r"""Returns the scalar to minimise and the weights' mean over the batch :math:`(L,)`."""
        side = student if self.source == "student" else teacher
        if side.difference is None:
            raise ValueError(
                "The gate reads difference features; choose a net.fusion that has them."
            )
        # Detached: the features learn from the distance, not from how they steer their own weight.
        features = side.difference[-1].detach().mean(dim=2).float()
        weights = self.gate(features.transpose(0, 1).flatten(1)).float().softmax(dim=-1).T
        if weights.shape != losses.shape:
            raise ValueError(
                f"The gate weighs {len(weights)} levels and the distiller compares {len(losses)}."
                " It needs all: leave distiller.levels as it is."
            )
        negative_entropy = (weights * weights.clamp(min=1e-12).log()).sum(dim=0).mean()
        total = (weights * losses).sum(dim=0).mean() + self.entropy * negative_entropy
        return total, weights.mean(dim=1)


class TeacherTrust(Weighting):
    r"""Counts a sample by how right the teacher is on it: :math:`e^{-|z(\hat y_T) - z(y)| / \tau}`.

    z standardises within the batch, as a teacher's scores may stand on another scale. The inner
    weighting weighs the levels of the trusted losses.
    """

    def __init__(self, inner: Weighting, temperature: float = 1.0) -> None:
        super().__init__()
        self.inner, self.temperature = inner, temperature

    def forward(
        self, losses: Tensor, student: Prediction, teacher: Prediction, mos: Tensor
    ) -> Weighed:
        """Returns the inner weighting's result on the trusted losses."""
        gap = (standardised(teacher.score.float()) - standardised(mos.float())).abs()
        trust = (-gap / self.temperature).exp().detach()
        return self.inner(losses * trust, student, teacher, mos)

    def end_epoch(self) -> None:
        """Lets the inner weighting move on."""
        self.inner.end_epoch()
