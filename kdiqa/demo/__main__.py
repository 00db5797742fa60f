"""Serves a page to try a student with: ``python -m kdiqa.demo RUN``."""

import argparse
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from kdiqa.demo.guard import OwnPageOnly
from kdiqa.runtime.errors import for_user, require
from kdiqa.runtime.quiet import quiet
from kdiqa.runtime.signals import reason, stoppable
from kdiqa.scorer.scorer import Scorer, load

HOST = "127.0.0.1"  # this machine's own programs reach it, and nobody else
DESCRIPTION = """Serve a page on this machine, and to this machine alone: drop an image, see its
score, its quality map, and what distortions do to its score. Works without a network."""


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    command = argparse.ArgumentParser(
        "kdiqa demo", description=DESCRIPTION, epilog="Ctrl-C ends it."
    )
    add, bundled = command.add_argument, "default: the bundled student"
    add(
        "model", metavar="CKPT", nargs="?", help=f"a student's run folder or checkpoint; {bundled}"
    )
    add("--port", type=int, default=7860, help="default 7860; 0 for any free one")
    add("--device", default="cpu", help="cpu, cuda, …")
    add("--allow", action="append", default=[], metavar="PACKAGE", help="a package of yours whose"
        " classes the model's file may build")  # fmt: skip
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the page until Ctrl-C, and returns the exit code."""
    quiet()
    command = parser()
    options = command.parse_args(arguments)
    try:
        port = free(options.port)
        require("The page", "demo", "gradio")
        scorer = load(options.model, options.device, allow=options.allow)
    except (OSError, ValueError, RuntimeError) as error:
        if for_user(error) is None:
            raise
        command.error(str(error))
    number = serve(scorer, Path(options.model or "the bundled student").name, port)
    return 0 if number == signal.SIGINT else 128 + number


def free(port: int) -> int:
    """Returns a port that nobody listens on: the one asked for, or any for 0.

    Raises:
        ValueError: If there is no such port, or somebody listens there.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"There is no port {port}. Give --port a number from 1024 to 65535.")
    try:
        with socket.create_server((HOST, port)) as tried:
            return int(tried.getsockname()[1])
    except OSError as error:
        raise ValueError(
            f"Port {port} cannot be had ({os.strerror(error.errno or 0)}). Give another with"
            " --port, or --port 0 for any free one."
        ) from error


def serve(scorer: Scorer, name: str, port: int) -> int:
    """Serves the page until the process is interrupted, or asked to stop; uploads are gone then.

    Returns:
        The number of the signal that ended it.
    """
    ended = int(signal.SIGINT)
    with stoppable(), tempfile.TemporaryDirectory(prefix="kdiqa-demo-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        local = {*os.environ.get("no_proxy", "").split(","), HOST, "localhost"} - {""}
        os.environ["no_proxy"] = ",".join(sorted(local))  # it asks itself whether it is up
        from starlette.middleware import Middleware

        from kdiqa.demo.blocks import THEME, page
        from kdiqa.demo.reading import MAX_BYTES

        blocks = page(scorer, name)
        try:
            blocks.launch(
                server_name=HOST, server_port=port, share=False, quiet=True, ssr_mode=False,
                prevent_thread_lock=True, footer_links=[], theme=THEME, run_history=False,
                max_file_size=MAX_BYTES, enable_monitoring=False, inbrowser=False,
                app_kwargs={"middleware": [Middleware(OwnPageOnly, port=port)]},
            )  # fmt: skip
            print(f"http://{HOST}:{port} – Ctrl-C ends it", flush=True)
            threading.Event().wait()
        except KeyboardInterrupt as stopped:
            print("\nEnded.", file=sys.stderr)
            ended = reason(stopped)
        finally:
            blocks.close(verbose=False)
    return ended


if __name__ == "__main__":
    raise SystemExit(main())
