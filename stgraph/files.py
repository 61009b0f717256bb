"""Files that appear whole or not at all, and folders."""

from __future__ import annotations

import errno
import glob
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from stgraph.errors import OptionError, StgraphError, WriteError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "atomic_write",
    "draw_figure",
    "make_folder",
    "save_figure",
    "sync",
    "write_failure",
    "write_text",
    "write_together",
]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNDATED: dict[str, Any] = {"svg": {"Date": None}, "svgz": {"Date": None}, "pdf": {"CreationDate": None}}


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a new, empty file beside ``path`` that replaces it once the block ends without an error.

    The content is on the disk before the rename, so that neither a crash nor a reader ever meets half a file. The file
    gets the permissions of any new file, whoever wrote it. If the block raises, the temporary file is removed and
    ``path`` is left as it was. The temporary files of killed writers of ``path`` are removed, too.

    Args:
        path: The file to write. Its folder must exist.

    Yields:
        The temporary file.

    Raises:
        WriteError: If ``path`` is a symbolic link, a folder or another special file, the disk is full, or the folder can't
            be written.

    >>> with atomic_write(getfixture("tmp_path") / "answer.txt") as part:
    ...     _ = part.write_text("42")
    """
    path = Path(path)
    if not path.name or path.name == "..":
        raise WriteError(f"{path} is a folder; name a file in it.")
    if path.is_symlink():
        raise WriteError(f"{path} is a symbolic link and is not replaced; remove it or name the file itself.")
    if path.exists() and not path.is_file() and not path.is_dir():
        raise WriteError(f"{path} is a device or a pipe and is not replaced; name a file.")
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    handle = -1
    try:
        remove_leftovers(path)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(handle)
        permissions = os.fstat(handle).st_mode & 0o777  # what the umask makes of 0o666
        yield part
        os.chmod(part, permissions)  # some writers put a private file of their own in its place
        sync(part)
        os.replace(part, path)
    except StgraphError:
        raise
    except OSError as error:
        raise WriteError(write_failure(error, path)) from error
    finally:
        with suppress(OSError):  # a read-only file system refuses it, too, and the first error says more
            part.unlink(missing_ok=True)
        if handle >= 0:
            os.close(handle)
    with suppress(OSError):  # some file systems can't sync a folder
        sync(path.parent)


def make_folder(path: str | Path) -> None:
    """Makes a folder and those above it, unless it is there.

    Raises:
        WriteError: If ``path`` is a file, or the folder can't be made.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(write_failure(error, Path(path))) from error


def write_text(path: str | Path, text: str) -> None:
    """Writes ``text`` in UTF-8 to ``path``, whole or not at all.

    Raises:
        WriteError: As in :func:`atomic_write`.
    """
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")


def write_together(folder: str | Path, contents: dict[str, bytes]) -> None:
    """Writes files of a folder that belong together.

    An error leaves what was there. Wherever a kill comes, the last file is there only if the others are of the same call: it
    is removed before they are replaced, and appears after them.

    Args:
        folder: It must exist.
        contents: The content of each file by name, the last file at the end.

    Raises:
        WriteError: As in :func:`atomic_write`.
    """
    folder = Path(folder)
    with ExitStack() as files:
        for name, content in reversed(contents.items()):  # the first to be entered is the last to be replaced
            part = files.enter_context(atomic_write(folder / name))
            part.write_bytes(content)
            sync(part)  # a full disk may show only here
        (folder / [*contents][-1]).unlink(missing_ok=True)


def save_figure(figure: Figure, path: str | Path, dpi: int) -> None:
    """Writes a figure of Matplotlib to ``path``, whole or not at all; the ending names the format.

    Raises:
        WriteError: As in :func:`atomic_write`.
        OptionError: If Matplotlib has no format of this ending.
    """
    path = Path(path)
    ending, known = path.suffix[1:].lower() or "png", figure.canvas.get_supported_filetypes()
    if ending not in known:
        raise OptionError(f"A picture must end in one of .{', .'.join(sorted(known))}, got '{path.name}'.")
    with atomic_write(path) as part:
        draw_figure(figure, part, ending, dpi)


def draw_figure(figure: Figure, target: Path | IO[bytes], ending: str, dpi: int | None = None) -> None:
    """Writes a figure without the date and without random names, so that equal figures are equal bytes."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "stgraph"}):
        figure.savefig(
            target, dpi="figure" if dpi is None else dpi, format=ending, metadata=UNDATED.get(ending)
        )


def remove_leftovers(path: Path) -> None:
    """Removes the temporary files that killed writers of ``path`` left beside it; those of living ones are locked."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):  # a folder, or another process removes it
            handle = os.open(left, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            try:
                if _lock(handle):
                    left.unlink()
            finally:
                os.close(handle)


def _lock(handle: int) -> bool:
    """Locks an open file until it is closed, or its process ends; returns whether no other process holds the lock."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):  # Windows, or a file system without locks
        return False
    return True


def write_failure(error: OSError, path: Path) -> str:
    """The sentence that tells why ``path`` was not written and what to do."""
    if error.errno in NO_ROOM:
        return f"No room left for {path}; nothing of it was kept: free some space and run again."
    return f"{path} cannot be written ({error.strerror or error}); check the folder and its permissions."


def sync(path: Path) -> None:
    """Waits until the content of a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
