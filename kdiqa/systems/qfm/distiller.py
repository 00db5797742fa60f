"""Label expansion: a student learns a view of an image from its teacher's prediction of it."""

from torch import Tensor
from torch.nn import functional as F

from kdiqa.batch import Distilled, Prediction
from kdiqa.training.distiller import Distiller


class ViewDistiller(Distiller):
    r"""The teacher's score as the view's label, and its semantic vector as a direction.

    .. math:: \mathrm{SmoothL1}_\beta(\hat{y}_S, \hat{y}_T) + \mu (1 - \cos(c_S, c_T))

    Args:
        beta: Of smooth L1, in label units.
        semantic: The weight µ.

    References:
        | QFM-IQM, section 3.4 by its captions; the equation is our interpretation
    """

    def __init__(self, beta: float = 1.0, semantic: float = 0.1) -> None:
        super().__init__()
        self.beta, self.semantic = beta, semantic

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the terms ``view_score`` and ``view_semantic``; labels are not used."""
        if student.fused.shape != teacher.fused.shape:
            raise ValueError(
                f"The student's semantic vectors are {tuple(student.fused.shape)} and the teacher's"
                f" {tuple(teacher.fused.shape)}. Give both the same module.net.dim, or set"
                " module.distiller.semantic=0 and distiller=score."
            )
        s, t = student.fused.float(), teacher.fused.float().detach()
        score = F.smooth_l1_loss(
            student.score.float(), teacher.score.float().detach(), beta=self.beta
        )
        semantic = self.semantic * (1 - F.cosine_similarity(s, t, dim=1)).mean()
        return Distilled({"view_score": score, "view_semantic": semantic}, {})
