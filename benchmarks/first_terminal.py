"""What a new user sees: ``python benchmarks/first_terminal.py [COMMAND ...]``, by itself `cordlevelset demo`.

The command runs in a terminal of its own with an empty kernel cache. Printed: each line as it was last drawn, with the
seconds at which it changed, and the longest stretch without a change. Linux and macOS.
"""

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
MOVING = re.compile(r"\|.*|\d+")  # bar, clock and counts move while the words stay


def record(command, folder):
    """(seconds, text) of all that the terminal gets, and the command's exit status."""
    env = {**os.environ, "NUMBA_CACHE_DIR": os.path.join(folder, "cache"), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=folder)
    os.close(theirs)
    seen = []
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        seen.append((time.perf_counter() - start, chunk.decode("utf-8", "replace")))
    return seen, process.wait()


def drawn(seen):
    """(seconds, line) whenever a line changed."""
    now = ""
    for seconds, text in seen:
        for line in re.split(r"[\r\n]+", CONTROL.sub("", text)):
            if line.strip() and line.rstrip() != now:
                now = line.rstrip()
                yield seconds, now


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="*", default=[sys.executable, "-m", "cordlevelset", "demo"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen, status = record(args.command, folder)
    lines = list(drawn(seen))
    words = None
    for seconds, line in lines:
        if MOVING.sub("", line) != words:
            words = MOVING.sub("", line)
            print(f"{seconds:7.1f} s  {line}")
    times = [0.0, *(seconds for seconds, _ in lines)]
    longest = max(range(1, len(times)), key=lambda k: times[k] - times[k - 1])
    print(f"exit status {status}; longest stretch without a change {times[longest] - times[longest - 1]:.1f} s, from "
          f"{times[longest - 1]:.1f} s on")  # fmt: skip


if __name__ == "__main__":
    main()
