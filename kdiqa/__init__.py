"""No-reference image quality assessment, learnt by distillation from a full-reference teacher."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kdiqa.scorer.loss import QualityLoss
    from kdiqa.scorer.metric import QualityMetric
    from kdiqa.scorer.scorer import Scorer, load

__version__ = "0.1.0"
__all__ = ["QualityLoss", "QualityMetric", "Scorer", "__version__", "load"]
LOADED_WHEN_ASKED_FOR = {  # help and version wait for no library
    "QualityLoss": "kdiqa.scorer.loss",
    "QualityMetric": "kdiqa.scorer.metric",
    "Scorer": "kdiqa.scorer.scorer",
    "load": "kdiqa.scorer.scorer",
}


def __getattr__(name: str) -> Any:
    """Returns a name of the package's face from the module that it stands in."""
    if name not in LOADED_WHEN_ASKED_FOR:
        raise AttributeError(f"module 'kdiqa' has no attribute '{name}'")
    return getattr(import_module(LOADED_WHEN_ASKED_FOR[name]), name)
