"""Stands in for ``python``: has a command forked by the server, and ends as the command ends.

It imports the standard library alone, without ``site``: it must start in an instant.
"""

import array
import json
import os
import re
import signal
import socket
import struct
import sys
import time

MODULES = re.compile(
    r"(kdiqa|tests|experiments)\.\S+|torch\.distributed\.run|submitit\.core\._submit"
    r"|joblib\.externals\.loky\.backend\.popen_loky_posix"
)
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP)


def main(real: str, address: str, *words: str) -> None:
    """Asks for a fork, or becomes the real interpreter where the words are for that."""
    given = words[1:] if words[:1] == ("-u",) else words
    if given[:1] != ("-m",) or not MODULES.fullmatch(given[1]) or is_elsewhere():
        os.execv(real, [real, *words])
    server = connect(address)
    files = [number for number in map(int, os.listdir("/proc/self/fd")) if is_inherited(number)]
    leads = os.getsid(0) == os.getpid()
    request = {
        **{"module": given[1], "words": given[2:], "files": files, "leads": leads},
        **{"cwd": os.getcwd(), "environment": dict(os.environ)},
        "ignores": [int(s) for s in FORWARDED if signal.getsignal(s) == signal.SIG_IGN],
    }
    message = json.dumps(request).encode()
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # until there is somebody to tell
    server.sendmsg([struct.pack("I", len(message))], [rights])
    server.sendall(message)
    for number in files:
        os.close(number)  # a pipe ends with the command, not with this process
    (pid,) = struct.unpack("i", receive(server, 4))
    for number in FORWARDED:
        if number not in request["ignores"]:
            signal.signal(number, lambda number, frame: os.kill(pid, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    end(*struct.unpack("i", receive(server, 4)))


def is_elsewhere() -> bool:
    """Returns whether Python would find another package than the one that the server has loaded."""
    mine = os.path.join(__file__, "..", "..", "..", "kdiqa")
    other = os.path.isdir("kdiqa") and not os.path.samefile("kdiqa", os.path.normpath(mine))
    return other or "PYTHONSAFEPATH" in os.environ


def connect(address: str) -> socket.socket:
    """Returns a connection with the server, which may just be starting."""
    server = socket.socket(socket.AF_UNIX)
    for _ in range(1000):
        try:
            server.connect(address)
            break
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.01)
    else:
        raise SystemExit(f"The server of '{address}' does not answer.")
    return server


def is_inherited(number: int) -> bool:
    """Returns whether a file is open for the processes that this one starts."""
    try:
        return os.get_inheritable(number)
    except OSError:
        return False


def receive(server: socket.socket, size: int) -> bytes:
    """Returns so many bytes of the server's answer."""
    answer = server.recv(size, socket.MSG_WAITALL)
    if len(answer) < size:
        os._exit(255)  # the server has ended, and with it the tests
    return answer


def end(code: int) -> None:
    """Ends this process as the command ended: with its code, or by its signal."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
