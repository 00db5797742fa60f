"""The model in the box: a small student that scores without training and without a download."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "student.safetensors"
CARD = Path(__file__).parent / "card.md"
