"""A command to be forked: prints its words and process, and waits for a line or a signal."""

import os
import sys

if __name__ == "__main__":
    print(os.getpid(), os.getcwd(), os.environ.get("MARK"), *sys.argv[1:], flush=True)
    raise SystemExit(int(sys.stdin.readline()))
