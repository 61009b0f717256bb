"""What every engine does alike: describing batches, counting what that took, and saying why a video failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stgraph.errors import OptionError, StgraphError
from stgraph.extraction.extractors.protocol import Extractor, ItemFeatures
from stgraph.extraction.sources import VideoSource

__all__ = ["Failure", "Timings", "extract_items", "reason_of"]


@dataclass(frozen=True)
class Failure:
    """A video that could not be extracted, and why."""

    source: VideoSource
    reason: str


@dataclass
class Timings:
    """Seconds that the models took, and what they described, by extractor."""

    seconds: dict[str, float] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, seconds: float, items: int) -> None:
        """Counts one batch."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.items[name] = self.items.get(name, 0) + items

    def merge(self, others: Timings) -> None:
        """Counts what somebody else counted."""
        for name, seconds in others.seconds.items():
            self.add(name, seconds, others.items[name])


def extract_items(
    name: str, extractor: Extractor, values: Sequence[Any], batch_size: int, timings: Timings
) -> list[ItemFeatures]:
    """What an extractor says of prepared items, at most ``batch_size`` at once.

    Raises: OptionError: It does not describe each item.
    """
    start, said = time.perf_counter(), []
    for begin in range(0, len(values), batch_size):
        said += extractor.extract(values[begin : begin + batch_size])
    if len(said) != len(values):
        raise OptionError(f"'{name}' must describe each item, got {len(said)} descriptions of {len(values)}.")
    timings.add(name, time.perf_counter() - start, len(values))
    return said


def reason_of(error: BaseException) -> str:
    """An error in one line; of one that is not ours, the kind says more than the words.

    >>> reason_of(ZeroDivisionError("division\\n  by zero"))
    'ZeroDivisionError: division by zero'
    """
    reason = " ".join(str(error).split())
    return reason if isinstance(error, StgraphError) else f"{type(error).__name__}: {reason}"
