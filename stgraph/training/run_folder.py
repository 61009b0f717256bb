"""The folder of a run: one training at a time, and no run overwrites another."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, OptionError, WorkerError
from stgraph.features.store.lock import WriterLock
from stgraph.training.summary import TrainingSummary

__all__ = ["check_run_folder", "lock_run"]

_held: set[tuple[Path, int]] = set()


@checked
@contextmanager
def lock_run(folder: str | Path, *, writes: bool = True) -> Iterator[None]:
    """Lets one process at a time train in a folder; the lock is a hidden file beside it.

    It ends with the block or with the process, however that ends. A thread that holds the lock may take it again. On
    Windows there is no lock.

    Args:
        folder: Folder of the run; need not exist.
        writes: Whether this process writes the run; the other ranks of a distributed run take no lock.

    Raises:
        WorkerError: If another process trains in the folder; the message names it.
    """
    folder = Path(os.path.realpath(folder))
    mine = folder, threading.get_ident()
    if not writes or mine in _held or os.name != "posix":
        yield
        return
    lock = WriterLock(
        folder.with_name(f".{folder.name}.lock"), f"A model is being trained in {folder}", WorkerError
    )
    with lock:
        _held.add(mine)
        try:
            yield
        finally:
            _held.discard(mine)


@checked
def check_run_folder(folder: str | Path, resume: bool) -> None:
    """Checks that a resumed run has a checkpoint, and that a new run overwrites none.

    Raises:
        OptionError: If there is nothing to resume, or a run would be overwritten.
    """
    folder = Path(folder)
    last = folder / "checkpoints" / "last.ckpt"
    has_model = (folder / "model.safetensors").is_file() and not _is_trial(folder)
    if resume and not last.is_file():
        advice = "train in another folder" if has_model else "start without resume=true"
        raise OptionError(f"Nothing to resume at {last}; {advice}.")
    if not resume and last.is_file():
        raise OptionError(
            f"{folder} holds a run already; continue it with resume=true, or choose another folder by run=..."
        )
    if not resume and has_model:
        raise OptionError(f"{folder} holds a trained model already; choose another folder by run=...")


def _is_trial(folder: Path) -> bool:
    try:
        return TrainingSummary.load(folder).is_trial
    except (DataError, MissingDataError):
        return False
