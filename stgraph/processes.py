"""Child processes that end with their parent, waiting threads, freed memory, and code that no signal may cut in two."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = [
    "DelayedSignals",
    "begin_worker",
    "give_back_memory",
    "interrupts_blocked",
    "sigterm_kept",
    "start_child",
    "wait_passively",
]

# Run by Python before the program takes its place. Linux is to kill it once its parent has died: a program that reads its
# input would notice only after it has loaded. A terminal sends Ctrl-C to all processes; the parent ends its children.
_BEGIN = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"  # PR_SET_PDEATHSIG, kept by exec
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])\n"
    "if os.getppid() == int(sys.argv[1]): os.execv(sys.argv[2], sys.argv[2:])\n"
)

_SPINS = 1000
"""Turns of the loop in which a thread of GNU OpenMP waits before it sleeps; its default is 300,000."""
_M_MMAP_THRESHOLD = -3  # of malloc.h
_RETURNED_BYTES = 4 << 20


def start_child(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Starts a program that Linux kills when the calling thread ends, and that Ctrl-C in a terminal does not reach.

    Args:
        command: The program's path and its arguments.
        options: Further arguments of :class:`subprocess.Popen`.
    """
    if sys.platform != "linux":
        return subprocess.Popen(command, **options)
    with interrupts_blocked():
        return subprocess.Popen([sys.executable, "-ISc", _BEGIN, str(os.getpid()), *command], **options)


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Holds Ctrl-C back until the block ends; processes that are started in it never receive it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait_passively() -> None:
    """Makes OpenMP threads without work sleep after a short wait, in this process and in those that it starts.

    Threads that spin for longer take the cores from other busy processes, and training collapses beside them; threads that
    sleep at once make it a quarter slower on idle cores. It must be called before torch is imported. Nothing changes if the
    user has set ``OMP_WAIT_POLICY`` or ``GOMP_SPINCOUNT``.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": str(_SPINS)}


def give_back_memory() -> None:
    """Makes glibc return the memory of arrays of 4 MiB or more to the system as soon as they are freed.

    By default it keeps that of arrays of up to 32 MiB for later ones, and a network's leave gaps of hundreds of megabytes.
    This is a setting of the whole process. A value of ``MALLOC_MMAP_THRESHOLD_`` that the user has set is kept; without
    glibc nothing changes.
    """
    if sys.platform == "linux" and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        choose = getattr(ctypes.CDLL(None), "mallopt", None)
        if choose is not None:
            choose(_M_MMAP_THRESHOLD, _RETURNED_BYTES)


def begin_worker(threads: int, device: str, begin: Callable[[], None] | None) -> None:
    """Initialises a process of ``multiprocessing``: makes it end with its parent, and chooses its GPU and threads.

    The parent may end while torch is imported, so this module imports nothing that takes long.

    Args:
        threads: Number of torch threads.
        device: GPU number; empty uses the CPU.
        begin: Called before torch is imported.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    if begin is not None:
        begin()
    wait_passively()
    import torch  # only after both environment variables are set

    torch.set_num_threads(threads)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Keeps the handler of SIGTERM, which a library sets anew in the block: the library's own calls are left out."""
    choose = signal.signal

    def choose_others(number: int, handler: Any) -> Any:
        return signal.getsignal(number) if number == signal.SIGTERM else choose(number, handler)

    signal.signal = choose_others  # type: ignore[assignment]
    try:
        yield
    finally:
        signal.signal = choose


class DelayedSignals:
    """Context manager that delays SIGINT, SIGTERM and SIGHUP to its end.

    An exception that a handler raises while a C library calls Python code is lost or crashes the process. Signals that
    nobody handles still end the process.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._received: list[int] = []

    def __enter__(self) -> DelayedSignals:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None and callable(signal.getsignal(number)):
                    self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(self._received):
            signal.raise_signal(number)

    def check(self) -> None:
        """Ends the block if a signal was received, for loops that take long."""
        if self._received:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received.append(number)
