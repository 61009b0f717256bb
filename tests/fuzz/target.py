"""What a target of the bench defines, and what counts as a finding."""

from __future__ import annotations

import random
import re
import traceback
import unicodedata
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from stgraph.errors import StgraphError
from tests.fuzz.mutations import mutate_bytes

__all__ = ["Silent", "Target", "outcome_of"]

EXPECTED = ("accepted", "refused")
LONGEST_MESSAGE = 2000
REMEDY = re.compile(r";|\b(must|is it|see|pass|give|known|check|write|use|did you mean|correct|should)\b")


class Silent(Exception):
    """A mutated input was accepted, but what was read is wrong or cannot be used."""


class Target(ABC):
    """A kind of file that is read.

    Args:
        folder: Holds what the target needs besides the mutated file; filled by :meth:`prepare`.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def prepare(self) -> dict[str, bytes]:
        """Writes what is needed into the folder and returns valid files by name; called once for all processes."""

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        """Returns a mutated file.

        Args:
            draw: Source of all random choices.
            seed: Name of the valid file.
            content: Its content.
            others: Contents of other valid files, for splices.
        """
        return mutate_bytes(draw, content, others)

    @abstractmethod
    def check(self, seed: str, path: Path) -> bool | None:
        """Reads a mutated file and uses what was read.

        Args:
            seed: Name of the valid file.
            path: The mutated file, in a folder of its own that may be written to; its name is that of the seed.

        Returns:
            False if it was refused in another way than by an error of stgraph (problems that ``validate`` lists).

        Raises:
            StgraphError: If the file is refused.
            Silent: If it is accepted wrongly.
        """


def outcome_of(target: Target, seed: str, path: Path) -> str:
    """ "accepted", "refused", or the kind of a finding, a colon, and its description."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "refused" if target.check(seed, path) is False else "accepted"
    except StgraphError as error:
        if _lacked_memory(error):
            return f"memory: {error}"
        problem = _problem_of_message(error, path)
        return f"message: {problem}: {str(error)!r}" if problem else "refused"
    except Silent as error:
        return f"silent: {error}"
    except MemoryError as error:
        return f"memory: {_where(error)}"
    except Exception as error:  # noqa: BLE001  any other error is a finding
        return f"raised: {type(error).__name__}: {_where(error)}: {error}"


def _problem_of_message(error: StgraphError, path: Path) -> str:
    """What a message lacks; empty if it names a value or the file, tells what to do, and can be printed."""
    text = str(error)
    if any(unicodedata.category(each) in ("Cc", "Cs", "Cf") for each in text if each not in "\u200c\u200d"):
        return "holds characters that don't print"
    if len(text) > LONGEST_MESSAGE:
        return "is long"
    if path.name not in text and str(path.parent) not in text and "'" not in text:
        return "names neither the file nor a value"
    if not REMEDY.search(text):
        return "does not say what to do"
    return ""


def _lacked_memory(error: BaseException | None) -> bool:
    """Whether memory ran out; FFmpeg's error says that a file claims more than FFmpeg ever allocates, and nothing was."""
    while error is not None:
        if isinstance(error, MemoryError) and not type(error).__module__.startswith("av"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _where(error: BaseException) -> str:
    """The last two places of our own code in a traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/stgraph/" in frame.filename]
    return " < ".join(
        f"{frame.filename.rpartition('/stgraph/')[2]}#L{frame.lineno}" for frame in reversed(frames[-2:])
    ) or repr(traceback.extract_tb(error.__traceback__)[-1:])
