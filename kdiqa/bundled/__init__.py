"""The models in the box: students that score without training and without a download."""

from pathlib import Path

FOLDER = Path(__file__).parent
MODELS = {name: FOLDER / f"{name}.safetensors" for name in ("photo", "synthetic")}
CARD = FOLDER / "card.md"
