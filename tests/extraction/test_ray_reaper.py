"""What ends Ray's processes after their starter was killed, with stand-ins that bear Ray's names."""

import os
import signal
import subprocess
import sys
import time

import pytest

from stgraph.extraction import ray_reaper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# Starts the reaper, an agent that its starter leaves alone, and another program; then waits.
STARTER = """
import os, subprocess, sys, time
sleep = ["-c", "import time; time.sleep(60)"]
middle = (
    "import subprocess, sys, time; child = subprocess.Popen(sys.argv[1:], executable=sys.executable, "
    "stdin=subprocess.DEVNULL, start_new_session=True); print(child.pid, flush=True); time.sleep(1.5)"
)
reaper = subprocess.Popen([sys.executable, "-IS", {path!r}, str(os.getpid())], stdin=subprocess.PIPE,
    start_new_session=True)
subprocess.Popen([sys.executable, "-c", middle, "ray::DashboardAgent", *sleep])
other = subprocess.Popen(["an-array", *sleep], executable=sys.executable, start_new_session=True, stdout=subprocess.DEVNULL)
print(other.pid, reaper.pid, flush=True)
time.sleep({seconds})
{end}
"""


def start(seconds, end=""):
    code = STARTER.format(path=ray_reaper.__file__, seconds=seconds, end=end)
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    words = (starter.stdout.readline() + starter.stdout.readline()).split()
    return starter, sorted(map(int, words))


def names_of(pids):
    """What is left of some processes."""
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                found.append(file.read().split(b"\0")[0].decode())
        except OSError:  # it has ended
            continue
    return found


def wait_for(condition):
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_agents_end_after_a_kill_and_other_programs_go_on():
    starter, pids = start(60)
    try:
        time.sleep(2.0)  # the agent's own parent has ended by then
        starter.kill()
        starter.wait()
        assert wait_for(lambda: [name for name in names_of(pids) if name] == ["an-array"])
    finally:
        for pid in pids:
            if names_of([pid]):
                os.kill(pid, signal.SIGKILL)


def test_nothing_is_killed_after_a_shutdown():
    starter, pids = start(1.0, end="reaper.communicate(b'\\n')")
    try:
        assert starter.wait(20) == 0
        assert sorted(filter(None, names_of(pids))) == ["an-array", "ray::DashboardAgent"]
    finally:
        for pid in pids:
            if names_of([pid]):
                os.kill(pid, signal.SIGKILL)
