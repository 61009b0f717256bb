"""Runs a command in a forked process group of its own, and sends it a signal at a chosen moment.

The bench has imported everything, so that a fork saves the seconds that Python needs to import it. The fork runs
``stgraph.cli.main`` and ends as an interpreter does.
"""

import atexit
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import stgraph.cli

STEPS = ("replace", "rename", "fsync", "unlink", "rmdir", "mkdir")
"""Functions of ``os`` before and after which an aimed signal is sent: the steps between two states of the files."""
MARK = "STGRAPH_KILL_TRIAL"


@dataclass
class Ended:
    """How a command ended.

    Args:
        status: Exit status; minus the number of the signal that killed it.
        seconds: Time until it ended.
        wait: Time from the signal to its end.
        steps: Number of steps between files.
        sent: Whether the signal was sent before it ended.
        message: Last line of its standard error.
        traceback: Whether a traceback was printed.
        left: Processes that were still alive five seconds later.
    """

    status: int
    seconds: float
    wait: float = 0.0
    steps: int = 0
    sent: bool = True
    message: str = ""
    traceback: bool = False
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stop:
    """A signal and its moment: seconds after the start, or before or after the step with a number.

    Args:
        number: The signal.
        after: Seconds; None if it is aimed.
        step: Number of the step.
        before: Whether it comes before that step.
        group: Whether the whole group receives it, as from a terminal.
    """

    number: int
    after: float | None = None
    step: int = -1
    before: bool = True
    group: bool = False


@dataclass(frozen=True)
class Started:
    """A command that runs in a fork: its process and session, its mark, and the names of its files."""

    pid: int
    mark: str
    folder: Path
    log: str
    time: float


def start(arguments: Sequence[str], folder: Path, stop: Stop | None = None, log: str = "") -> Started:
    """Starts a command in ``folder/work``; ``log`` tells apart the output of several."""
    mark = f"{folder.name}-{random.getrandbits(48):x}"
    for name in ("out", "err"):
        (folder / f"{name}{log}").write_bytes(b"")
    sys.stdout.flush()
    ready, begun = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        _child(arguments, folder, stop, mark, log, begun)
    os.close(begun)
    os.read(ready, 1)  # signals come only to the command, not to its preparation
    os.close(ready)
    return Started(pid, mark, folder, log, time.monotonic())


def run(arguments: Sequence[str], folder: Path, stop: Stop | None = None) -> Ended:
    """Runs a command in ``folder/work`` and returns how it ended."""
    started = start(arguments, folder, stop)
    sent = 0.0
    if stop is not None and stop.after is not None:
        while time.monotonic() < started.time + stop.after and not _has_ended(started.pid):
            time.sleep(0.001)
        if not _has_ended(started.pid):
            sent = time.monotonic()
            (os.killpg if stop.group else os.kill)(started.pid, stop.number)
    found = wait(started)
    found.wait = started.time + found.seconds - sent if sent else 0.0
    found.sent = stop is None or bool(sent) or (folder / "sent").exists()
    return found


def wait(started: Started, limit: float = 600) -> Ended:
    """Waits until a command has ended, and five seconds for all of its processes."""
    while not _has_ended(started.pid):
        if time.monotonic() > started.time + limit:
            os.killpg(started.pid, signal.SIGKILL)
        time.sleep(0.002)
    seconds = time.monotonic() - started.time
    status = os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1])
    lines = (started.folder / f"err{started.log}").read_text(errors="replace").splitlines()
    note = started.folder / "steps"
    return Ended(
        status,
        seconds,
        steps=int(note.read_text()) if note.exists() else 0,
        message=next((line for line in reversed(lines) if line.strip()), ""),
        traceback=any("Traceback" in line for line in lines),
        left=_wait_for_all(started.pid, started.mark),
    )


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that exists until the block ends; ``TemporaryDirectory`` would remove it when a fork ends, too."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def apart(function: Callable[[], object]) -> None:
    """Calls a function in a fork, so that threads and programs that it starts are not inherited by later forks."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            atexit._run_exitfuncs()
            status = 0
        except BaseException:  # noqa: BLE001  must not return into the caller's code
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("the inputs could not be made; the reason is above")


def _child(arguments, folder, stop, mark, log, begun):
    os.setsid()
    os.chdir(folder / "work")
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / f"{name}{log}", os.O_WRONLY | os.O_APPEND), number)
    for name in ("sent", "steps"):
        (folder / name).unlink(missing_ok=True)
    os.environ.update(
        {"TMPDIR": str(folder / "tmp"), "STGRAPH_CACHE": str(folder / "work" / "cache"), MARK: mark}
    )
    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.default_int_handler)
    counter = _Steps(folder, stop)
    counter.install()
    status = 1
    os.close(begun)
    try:
        status = stgraph.cli.main(list(arguments))
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001  what an interpreter would print
        traceback.print_exc()
    counter.stop = None
    for number in (signal.SIGINT, signal.SIGTERM):  # an interpreter that ends is not our subject
        signal.signal(number, signal.SIG_IGN)
    try:
        if stop is None:
            (folder / "steps").write_text(str(counter.count))
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


class _Steps:
    """Counts the steps between files, and sends the signal at one of them."""

    def __init__(self, folder, stop):
        self.folder, self.stop, self.count = folder, stop, 0

    def install(self):
        for name in STEPS:
            setattr(os, name, self._wrapped(getattr(os, name)))

    def _wrapped(self, function):
        def step(*arguments, **options):
            number, self.count = self.count, self.count + 1
            aimed = self.stop is not None and self.stop.step == number
            if aimed and self.stop.before:
                self._send()
            result = function(*arguments, **options)
            if aimed and not self.stop.before:
                self._send()
            return result

        return step

    def _send(self):
        stop, self.stop = self.stop, None
        with open(self.folder / "sent", "w"):
            pass
        if stop.group:
            os.killpg(0, stop.number)
        else:
            os.kill(os.getpid(), stop.number)


def _has_ended(pid):
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait_for_all(pid, mark, seconds=5.0):
    """Processes of the trial that are alive after some seconds; they are ended then."""
    until = time.monotonic() + seconds
    while (left := _processes(pid, mark)) and time.monotonic() < until:
        time.sleep(0.02)
    for process in left:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return list(left.values())


def _processes(session, mark):
    """Living processes of a session, or with the mark of a trial in their environment."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            marked = f"{MARK}={mark}".encode() in (path / "environ").read_bytes().split(b"\0")
            if fields[0] not in "ZX" and (int(fields[3]) == session or marked):
                found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120]
        except (OSError, IndexError):
            continue
    return found
