"""A job that trains nothing: leaves the folder a run leaves, in steps that it can go on from.

    python worker.py FOLDER SCORE SECONDS CONFIG.json

It notes every start next to its folder, so that a test can see what ran, and how often at once.
"""

import json
import os
import sys
import time
from pathlib import Path

STEPS = 5


def main() -> None:
    """Works."""
    folder, score, seconds = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    hydra = folder / ".hydra"
    hydra.mkdir(parents=True, exist_ok=True)
    (hydra / "config.yaml").write_text(sys.argv[4])  # JSON is YAML
    with (folder / "starts.txt").open("a") as starts:
        starts.write(f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}\n")
    print("a first line of the log")
    if score < 0:
        sys.exit("ValueError: this one always fails")
    checkpoint = folder / "checkpoint.json"
    total = json.loads(checkpoint.read_text()) if checkpoint.is_file() else []
    while len(total) < STEPS:
        time.sleep(seconds / STEPS)
        total.append(score * (len(total) + 1))
        checkpoint.with_suffix(".part").write_text(json.dumps(total))
        checkpoint.with_suffix(".part").replace(checkpoint)
    metrics = {
        "srcc": sum(total) / 15,
        "plcc": score,
        "krcc": score / 2,
        "rmse": 1 - score,
        "n": 9,
    }
    results = {
        "name": "fake",
        "metrics": {"test": metrics},
        "selected_on": "val/srcc",
        "data": "d",
    }
    (folder / "results.part").write_text(json.dumps(results))
    (folder / "results.part").replace(folder / "results.json")


if __name__ == "__main__":
    main()
