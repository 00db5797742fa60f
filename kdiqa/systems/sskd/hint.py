"""A hint: the student's pooled features, adapted, against the teacher's."""

from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Distilled, Prediction
from kdiqa.training.distiller import Distiller


class Hint(Distiller):
    """The mean squared difference of what the two heads score, through a trained 1×1 adapter.

    References:
        | FitNets: Hints for Thin Deep Nets (Romero et al., 2015), https://arxiv.org/abs/1412.6550
    """

    def __init__(self, student_dim: int, teacher_dim: int) -> None:
        super().__init__()
        self.adapter = nn.Linear(student_dim, teacher_dim)

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the term ``hint``."""
        wanted = teacher.fused.float().detach()
        return Distilled({"hint": F.mse_loss(self.adapter(student.fused).float(), wanted)}, {})
