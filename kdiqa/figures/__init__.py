"""Figures of runs: scores against the MOS, what was logged, parts of a test, differences.

Each function returns a figure, or None where the table holds nothing of its subject. Colours are
Okabe and Ito's (2008), which the colour-blind can distinguish; markers repeat what colours say.
"""

from kdiqa.figures.comparison import forest, parts
from kdiqa.figures.confusion import FIFTHS, teacher_and_student
from kdiqa.figures.curves import level_heat_map, level_weights, loss_terms
from kdiqa.figures.scatter import score_against_opinion
from kdiqa.figures.style import COLOURS, STYLE

__all__ = [
    "COLOURS",
    "FIFTHS",
    "STYLE",
    "forest",
    "level_heat_map",
    "level_weights",
    "loss_terms",
    "parts",
    "score_against_opinion",
    "teacher_and_student",
]
