"""How an error reaches a user: one message with a remedy, not a library's traceback."""

import os
import re
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from kdiqa.config.compose import quoted
from kdiqa.files.atomic import FULL, NoSpaceError
from kdiqa.runtime.launch import PART_OF_A_RUN, ChildFailed
from kdiqa.runtime.signals import reason, stoppable

OURS = Path(__file__).resolve().parents[1]
WORKER = re.compile(
    r"Caught \w+ in DataLoader worker process.*^(\w+(?:\.\w+)*): (.+)\Z", re.M | re.S
)


@contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Prints errors that this package raised for a user as their message, and exits with 1.

    Others keep their traceback: they are ours to mend. ``KDIQA_DEBUG=1`` shows all of them.
    An interruption exits with 128 and its signal's number: 130 after Ctrl-C, 143 after SIGTERM,
    138 after SIGUSR1, with which Slurm warns of a time limit; the message names the run's folder.
    """
    try:
        with stoppable():
            yield
    except ChildFailed as failed:
        sys.exit(failed.args[0])
    except KeyboardInterrupt as error:
        number = reason(error)
        if PART_OF_A_RUN not in os.environ:
            words = [word for word in sys.argv[1:] if not word.startswith(("run=", "resume="))]
            words = ["python", "-m", "kdiqa.train", *words, f"run={quoted(folder)}", "resume=true"]
            what = "Interrupted" if number == signal.SIGINT else signal.Signals(number).name
            print(f"\n{what}. Continue with:\n  {shlex.join(words)}", file=sys.stderr)
        sys.exit(128 + number)
    except Exception as error:
        message = for_user(error)
        if message is None or os.environ.get("KDIQA_DEBUG"):
            raise
        sys.exit(f"\n{message}")


def for_user(error: BaseException) -> str | None:
    """Returns the message of an error that was raised in this package, or None for any other.

    Errors come wrapped: Hydra wraps what a constructor raises, a data loader what its worker does.
    """
    worker = WORKER.search(str(error))
    if worker:
        return f"{worker[1]}: {worker[2].strip()}"
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, OSError) and chain.errno in FULL:  # wherever it was raised
            return f"NoSpaceError: {NoSpaceError(Path(str(chain.filename or 'a file')), chain)}"
        frames = traceback.extract_tb(chain.__traceback__)
        ours = bool(frames) and Path(frames[-1].filename).resolve().is_relative_to(OURS)
        if ours and isinstance(chain, ValueError | OSError | RuntimeError):
            return f"{type(chain).__name__}: {chain}"
        chain = chain.__cause__ or chain.__context__
    return None


def require(what: str, extra: str, *libraries: str) -> None:
    """Raises where an optional library, which an extra of this package installs, is missing.

    Example:
        >>> require("The page", "demo", "no_such_library")
        Traceback (most recent call last):
        RuntimeError: The page needs no_such_library, which is not installed. Type: pip install 'kdiqa[demo]'
    """
    for library in libraries:
        if find_spec(library) is None:
            raise RuntimeError(
                f"{what} needs {library}, which is not installed. Type: pip install"
                f" 'kdiqa[{extra}]'"
            )
