"""Ends Ray's processes if the process that started Ray is killed: ``python ray_reaper.py PID`` beside it.

Two agents of Ray notice the end of their node but try to report it for a minute, to a service that is gone. Twice a second
this program notes which of Ray's processes descend from PID. When its input ends without a word, because PID was killed, it
kills those that are left; a line says that PID has shut Ray down itself. Linux only. It imports nothing of this package, so
that it starts quickly.
"""

import os
import re
import select
import signal
import sys
import time
from pathlib import Path

OF_RAY = re.compile(rb"^ray::|/site-packages/ray/|(^|/)raylet")
PATIENCE = 1.0
"""Seconds in which Ray's processes may end by themselves."""


def processes() -> dict[int, tuple[int, str]]:
    """Parent and starting time of every process, by its number."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            values = Path("/proc", name, "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        found[int(name)] = int(values[1]), values[19]
    return found


def note_descendants(known: dict[int, str], first: int) -> None:
    """Adds the descendants of a process to ``known``, by number with their starting time."""
    seen, before = processes(), -1
    while before < len(known):
        before = len(known)
        for pid, (parent, began) in seen.items():
            if (parent == first or known.get(parent) == seen.get(parent, (0, ""))[1]) and pid != os.getpid():
                known[pid] = began


def end(known: dict[int, str]) -> None:
    """Kills those of Ray that are still there; a number that was given to another process is left alone."""
    for pid, (_, began) in processes().items():
        try:
            if known.get(pid) == began and OF_RAY.search(Path("/proc", str(pid), "cmdline").read_bytes()):
                os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def main(first: int) -> None:
    """Waits for the end of a process or for its word."""
    known: dict[int, str] = {}
    while not select.select([0], [], [], 0.5)[0]:
        note_descendants(known, first)
    if not os.read(0, 1):
        time.sleep(PATIENCE)
        end(known)


if __name__ == "__main__":
    main(int(sys.argv[1]))
