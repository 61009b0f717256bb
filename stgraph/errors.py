"""The error tree: every error a user can meet, each also the builtin it specialises.

A message is one sentence that says what is wrong with which value, then what to do.
"""

from collections.abc import Sequence

__all__ = [
    "DataError",
    "DependencyError",
    "JavaError",
    "MissingDataError",
    "ModelFolderError",
    "OptionError",
    "ShapeError",
    "StgraphError",
    "StoreError",
    "UnknownVideoError",
    "WorkerError",
    "WriteError",
    "listed",
]


class StgraphError(Exception):
    """Base of all errors that stgraph raises on purpose; the command line prints it without a traceback."""


class ShapeError(StgraphError, ValueError):
    """An array has other axes than its place in a formula needs."""


class OptionError(StgraphError, ValueError):
    """An argument or a configuration value is not one of those allowed."""


class DataError(StgraphError, ValueError):
    """Values that cannot be right: NaN features, boxes turned inside out, captions of no video."""


class MissingDataError(StgraphError, FileNotFoundError):
    """A file, folder or part of a store that is needed is not there."""


class UnknownVideoError(StgraphError, KeyError):
    """A video id that the store or the corpus does not hold."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # KeyError would print the repr


class StoreError(StgraphError, OSError):
    """A feature store that is damaged, of another format, or being written by somebody else."""


class ModelFolderError(StgraphError, ValueError):
    """A model folder that is incomplete, contradicts itself, or asks for something it may not have."""


class DependencyError(StgraphError, ImportError):
    """A package is missing, or one is installed that cannot live beside stgraph."""


class JavaError(StgraphError, RuntimeError):
    """The Java runtime of METEOR or of the PTB tokeniser could not be started, or died twice."""


class WorkerError(StgraphError, RuntimeError):
    """A process that worked on a part of a task died, or a part that others need failed."""


class WriteError(StgraphError, OSError):
    """A file could not be written: no room on the disk, no permission, or something else in its place."""


def listed(names: Sequence[object], most: int = 5) -> str:
    """The first names in quotes and the number of the others, for error messages.

    Args:
        names: The names.
        most: Largest number of names that are spelled out.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
