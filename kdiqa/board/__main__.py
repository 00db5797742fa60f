"""Makes the workspace of a project on Weights & Biases: ``python -m kdiqa.board``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import wandb

from kdiqa.board.workspace import workspace

OFFLINE = (
    "no one is logged in, so nothing can be saved. Type: wandb login\n"
    "Without a connection, --json FILE writes the workspace to a file."
)


def parser() -> argparse.ArgumentParser:
    """Returns what the command line may say."""
    command = argparse.ArgumentParser(
        "kdiqa board",
        description="Makes the workspace that shows a project's runs: curves, distillation, tests.",
        epilog="needs pip install wandb-workspaces, and wandb login; every call makes a new one",
    )
    add = command.add_argument
    add("--project", default="kdiqa", metavar="NAME", help="default: kdiqa")
    add("--entity", metavar="NAME", help="a user or a team; default: who is logged in")
    add("--name", default="Distillation", help="of the workspace, default: Distillation")
    add("--json", type=Path, metavar="FILE", help="write it to a file and send nothing")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Saves the workspace, or writes it to a file; returns 0, or 1 where it cannot."""
    options = parser().parse_args(arguments)
    try:
        who = options.entity or ("me" if options.json else entity())
        space = workspace(who, options.project, options.name)
    except (ModuleNotFoundError, ConnectionError) as error:
        print(f"kdiqa board: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(space._to_model().spec.model_dump_json(by_alias=True, indent=1))
        print(options.json)
        return 0
    space.save()
    print(space.url)
    return 0


def entity() -> str:
    """Returns who is logged in.

    Raises:
        ConnectionError: If no one is.
    """
    online = os.environ.get("WANDB_MODE", "online") == "online" and wandb.login(prompt=False)
    name = wandb.Api().default_entity if online else None
    if name is None:
        raise ConnectionError(OFFLINE)
    return name


if __name__ == "__main__":
    raise SystemExit(main())
