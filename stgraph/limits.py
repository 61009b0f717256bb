"""Limits on what a file may ask for, which a user can raise by environment variables."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields

from stgraph.errors import DataError, OptionError

__all__ = ["Limits"]

PREFIX = "STGRAPH_"


@dataclass(frozen=True)
class Limits:
    """Limits on what a file may ask for; files beyond them are refused before memory is allocated for them.

    Args:
        max_pixels: Pixels of a frame; the default is 8192 x 8192, and 8K video has half as many.
        max_frames: Frames of a file, shown or claimed by its header; the default is nine hours at 60 frames per second.
        max_streams: Streams of a file: video, sound, subtitles and others.
        max_seconds_per_frame: Mean time from one frame to the next, by the header's duration or the times of the frames.
        max_tokens: Words and special tokens of a tokenizer; the captions of MSR-VTT have 29,000 words.

    Raises:
        OptionError: If a limit is not a whole number above 0.

    Reference: our own design.
    """

    max_pixels: int = 1 << 26
    max_frames: int = 2_000_000
    max_streams: int = 256
    max_seconds_per_frame: int = 3_600
    max_tokens: int = 250_000

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise OptionError(f"'{item.name}' must be a whole number above 0, got {value!r}.")

    @classmethod
    def current(cls) -> Limits:
        """The limits that apply now: the defaults, or the environment variables of their names, as ``STGRAPH_MAX_PIXELS``.

        Raises:
            OptionError: If such a variable is not a whole number above 0.
        """
        given = {}
        for item in fields(cls):
            text = os.environ.get(variable(item.name), "")
            if not text:
                continue
            if not (text.isascii() and text.isdigit() and int(text[:19]) > 0 and len(text) < 19):
                raise OptionError(
                    f"The environment variable {variable(item.name)} must be a whole number above 0 with at most 18 digits, "
                    f"got {text[:40]!r}; correct or unset it."
                )
            given[item.name] = int(text)
        return cls(**given)

    def check(self, name: str, found: float, where: object, what: str, *, at_least: bool = False) -> None:
        """Refuses a file that exceeds a limit.

        Args:
            name: The limit, such as "max_pixels".
            found: The value of the file.
            where: The file.
            what: Beginning of the reason, such as "its frames of 16 x 16 have".
            at_least: Whether counting stopped at ``found``, so that the file may have more.

        Raises:
            DataError: If ``found`` is above the limit; the message names both and how to raise the limit.
        """
        most = getattr(self, name)
        if found > most:
            unit = name.removeprefix("max_").replace("_", " ")
            needed = math.ceil(found)
            remedy = f"{variable(name)} to more than {needed}" if at_least else f"{variable(name)}={needed}"
            raise DataError(
                f"{where}: {what} {'at least ' if at_least else ''}{needed} {unit}, above the limit of {most}; leave the "
                f"file out, or set the environment variable {remedy}."
            )


def variable(name: str) -> str:
    """Environment variable of a limit.

    >>> variable("max_pixels")
    'STGRAPH_MAX_PIXELS'
    """
    return PREFIX + name.upper()
