"""Exceptions that stgraph raises on purpose; each also inherits the builtin exception that it specialises.

A message names the value, says what is wrong with it and what to do about it.
"""

import re
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
    "printable",
    "shown",
]


_LONGEST = 2000


class StgraphError(Exception):
    """Base class of all errors that stgraph raises on purpose; the command line prints them without a traceback.

    A message may quote values of a file from anywhere. Characters that don't print, such as the escape sequences of a
    terminal, are shown escaped, and the middle of a message of more than 2,000 characters is left out.

    >>> print(StgraphError("'name' must be a word, got '\\x1b[2J'; correct it."))
    'name' must be a word, got '\\x1b[2J'; correct it.
    """

    def __str__(self) -> str:
        return _printable(super().__str__())


class ShapeError(StgraphError, ValueError):
    """An array doesn't have the expected axes or sizes."""


class OptionError(StgraphError, ValueError):
    """An argument or a configuration value is not allowed."""


class DataError(StgraphError, ValueError):
    """Data are invalid, for example NaN features, boxes with x1 > x2, or captions of an unknown video."""


class MissingDataError(StgraphError, FileNotFoundError):
    """A required file, folder or part of a store does not exist."""


class UnknownVideoError(StgraphError, KeyError):
    """A video id is not in the store or the corpus."""

    def __str__(self) -> str:
        return _printable(str(self.args[0]) if self.args else "")  # KeyError would print the repr


class StoreError(StgraphError, OSError):
    """A feature store is damaged, has another format, or is being written by another process."""


class ModelFolderError(StgraphError, ValueError):
    """A model folder is incomplete, inconsistent, or requests something that is not allowed."""


class DependencyError(StgraphError, ImportError):
    """A required package is missing, or an installed package conflicts with stgraph."""


class JavaError(StgraphError, RuntimeError):
    """The Java process of METEOR or of the PTB tokeniser could not be started, or crashed twice."""


class WorkerError(StgraphError, RuntimeError):
    """A worker process died, or a part of a task that other parts depend on failed."""


class WriteError(StgraphError, OSError):
    """A file could not be written: the disk is full, permission is denied, or the path is taken by something else."""


def listed(names: Sequence[object], most: int = 5) -> str:
    """Formats names for an error message: the first few in quotes, then the number of the others.

    Args:
        names: The names.
        most: Largest number of names to spell out.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    first = ", ".join(f"'{shown(name)}'" for name in names[:most])
    return f"{first} and {len(names) - most} more" if len(names) > most else first


def shown(value: object, most: int = 200) -> str:
    """Formats text from a file for a message: characters that don't print are escaped, and long text is cut.

    Args:
        value: The text, or a value whose text is shown.
        most: Largest number of characters.

    >>> shown("a\\nb")
    'a\\\\nb'
    """
    text = str(value)
    return _escaped(text if len(text) <= most else f"{text[: most - 3]}...")


def printable(text: object) -> str:
    """Formats text from files for a terminal: characters that don't print are escaped, except line breaks and tabs.

    Escape sequences could change what a terminal shows, and right-to-left marks the order in which it is read.

    >>> printable("a\\tcat\\n\\x1b[31m")
    'a\\tcat\\n\\\\x1b[31m'
    """
    return "".join(part if part in "\n\t" else _escaped(part) for part in re.split("([\n\t])", str(text)))


def _printable(message: str) -> str:
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST - 520]} [...] {message[-500:]}"
    return message if message.isprintable() else "\n".join(map(_escaped, message.split("\n")))


def _escaped(text: str) -> str:
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )
