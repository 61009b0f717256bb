"""Allows one writer per store or run, with a lock file that names the writer's host and process."""

from __future__ import annotations

import json
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from stgraph.errors import StgraphError, StoreError
from stgraph.files import write_failure


def writer_lock(store: Path) -> WriterLock:
    """Returns the lock of a store: a hidden file next to it."""
    store = store.absolute()
    return WriterLock(store.with_name(f".{store.name}.lock"))


class WriterLock:
    """Context manager that holds the lock file ``path``; takes over a lock whose process has died on this host.

    The file is read and written under a short kernel lock, so that two writers that find the same stale lock cannot both
    take it. The kernel lock itself is not kept, because forked workers can outlive a killed writer.

    Args:
        path: The lock file; its folder is created.
        busy: What the holder of the lock is doing, the beginning of the error message.
        error: Class of the error.

    Raises:
        StoreError: If another writer holds the lock; the message names its host and process.
    """

    def __init__(
        self, path: Path, busy: str = "The store is being written", error: type[StgraphError] = StoreError
    ) -> None:
        self.path, self.busy, self.error = path, busy, error
        self._me = {"host": socket.gethostname(), "pid": os.getpid(), "started": _start_of(os.getpid())}

    def __enter__(self) -> WriterLock:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while not self._take():
                pass  # its holder has just released it and removed the file
        except StgraphError:
            raise
        except OSError as error:
            if self.path.is_symlink():
                reason = f"{self.path} should be a lock file and is a symbolic link; remove it."
            else:
                reason = write_failure(error, self.path)
            raise self.error(reason) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

    def _take(self) -> bool:
        import fcntl  # POSIX only; needed to write stores, not to read them

        # A link would have another file overwritten, and a pipe would be waited for.
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise self.error(f"{self.path} should be a lock file and is something else; remove it.")
            with suppress(OSError):  # a file system without locks: a race of microseconds remains
                fcntl.lockf(handle, fcntl.LOCK_EX)
            if not is_same_file(handle, self.path):
                return False
            self._refuse_if_alive(os.read(handle, 4096))
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(self._me).encode(), 0)
        except StgraphError:
            raise
        except OSError:
            self.path.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        return True

    def _refuse_if_alive(self, content: bytes) -> None:
        try:
            holder = json.loads(content)
            host, pid = holder["host"], int(holder["pid"])
        except (ValueError, KeyError, TypeError):
            return  # empty or incomplete: no process holds it
        if host != self._me["host"]:
            raise self.error(
                f"{self.busy} by process {pid} on host '{host}'; wait for it, or remove {self.path} if that run is over."
            )
        if _start_of(pid) == holder.get("started") is not None:
            raise self.error(f"{self.busy} by process {pid} on this machine; wait for it or stop it.")


def _start_of(pid: int) -> str | None:
    """Start time of a process, which distinguishes it from later ones with the same id; None if it is not running."""
    if Path("/proc/self/stat").exists():
        try:
            # The fields after the name in parentheses: the state comes first, the start time in clock ticks 20th.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    try:  # without /proc only whether it is running is known
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # another user's process is running
    return "running"


def is_same_file(handle: int, path: Path) -> bool:
    """Whether an open file is still the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
