"""Forks commands: ``python tests/forked/server.py SOCKET``; it ends when its standard input does."""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def preload() -> None:
    """Loads what commands load, so that none of them has to."""
    import matplotlib.pyplot  # noqa: F401
    import torch._dynamo  # noqa: F401
    from hydra.core.plugins import Plugins
    from wandb.sdk.data_types._private import MEDIA_TMP

    import kdiqa.evaluate
    import kdiqa.train  # noqa: F401

    # One folder for all children, made as W&B loads: the first that ends must not remove it.
    atexit.unregister(MEDIA_TMP.cleanup)
    MEDIA_TMP._finalizer.atexit = False
    Plugins.instance()
    for verb in ("train", "evaluate"):
        del sys.modules[f"kdiqa.{verb}"]  # each is __main__, or what its command imports
    gc.collect()
    gc.freeze()  # a child that collects would copy all of this


def serve(address: str) -> dict[str, Any]:
    """Forks a child for each request, for ever; returns the request in the child."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ, None)
    waiting.register(sys.stdin, selectors.EVENT_READ, None)
    loaded = False
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                end([k.data["pid"] for k in waiting.get_map().values() if k.data])
            elif key.fileobj is not listener:
                follow(waiting, key.data)
            else:
                connection, _ = listener.accept()
                request, files = receive(connection)
                if not loaded:
                    preload()
                    loaded = True
                pid = os.fork()
                if not pid:
                    for held in (listener, connection, *others(waiting, listener)):
                        held.close() if hasattr(held, "close") else os.close(held)
                    waiting.close()
                    become(request, files)
                    return request
                for number in files:
                    os.close(number)
                connection.sendall(struct.pack("i", pid))
                child = {"pid": pid, "file": os.pidfd_open(pid), "connection": connection}
                child["leads"] = request["leads"]
                waiting.register(child["file"], selectors.EVENT_READ, child)
                waiting.register(connection, selectors.EVENT_READ, child)


def others(waiting: selectors.BaseSelector, listener: socket.socket) -> list[Any]:
    """Returns what the server holds for its other children."""
    return [
        key.fileobj
        for key in waiting.get_map().values()
        if key.fileobj not in (listener, sys.stdin)
    ]


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Returns a request and the open files that came with it."""
    head, files, _, _ = socket.recv_fds(connection, 4, 253)
    (size,) = struct.unpack("I", head)
    return json.loads(connection.recv(size, socket.MSG_WAITALL)), files


def follow(waiting: selectors.BaseSelector, child: dict[str, Any]) -> None:
    """Tells the client how its child ended; or kills the child of a client that was killed."""
    if child["file"] is None:
        return  # both had ended in the same moment
    pid, state = os.waitpid(child["pid"], os.WNOHANG)
    if not pid:  # so it is the client that has ended
        with suppress(ProcessLookupError):
            (os.killpg if child["leads"] else os.kill)(child["pid"], signal.SIGKILL)
        _, state = os.waitpid(child["pid"], 0)
    with suppress(OSError):
        child["connection"].sendall(struct.pack("i", os.waitstatus_to_exitcode(state)))
    for held in ("file", "connection"):
        with suppress(KeyError):
            waiting.unregister(child[held])
    os.close(child["file"])
    child["connection"].close()
    child["file"] = None


def end(pids: list[int]) -> None:
    """Ends the server, and all that it has forked."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if media := sys.modules.get("wandb.sdk.data_types._private"):
        media.MEDIA_TMP.cleanup()
    os._exit(0)


def become(request: dict[str, Any], files: list[int]) -> None:
    """Makes a fresh child what the client would be: its files, folder, environment and signals."""
    if request["leads"]:
        os.setsid()
    high = [os.dup2(number, 500 + i) for i, number in enumerate(files)]
    for number in files:
        os.close(number)
    for number, wanted in zip(high, request["files"], strict=True):
        os.dup2(number, wanted, inheritable=True)
        os.close(number)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
        plain = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in request["ignores"] else plain)
    tempfile.tempdir = None  # the environment may name another
    sys.path[0] = request["cwd"]
    sys.executable = str(Path(sys.argv[1]).with_name("python"))
    sys.argv[1:] = request["words"]


def run(module: str) -> int:
    """Runs a module as ``python -m`` does, and returns the exit code."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stopped:
        if stopped.code is None or isinstance(stopped.code, int):
            return stopped.code or 0
        print(stopped.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    """Serves, and runs the command in each child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands and the tests
    sys.path.insert(1, str(ROOT))
    code = run(serve(sys.argv[1])["module"])
    threading._shutdown()  # waits for threads, as the interpreter does
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)  # to take all that was loaded apart would take half a second


if __name__ == "__main__":
    main()
