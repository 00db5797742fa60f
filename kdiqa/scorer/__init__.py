"""From a finished run to a score for any image."""

from kdiqa.scorer.scorer import Scorer, load

__all__ = ["Scorer", "load"]
