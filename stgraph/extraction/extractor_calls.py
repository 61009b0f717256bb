"""What both engines share: calling an extractor in batches, timing the calls, and describing a video's failure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stgraph.checking import checked
from stgraph.errors import OptionError, StgraphError
from stgraph.extraction.extractors.protocol import Extractor, ItemFeatures
from stgraph.extraction.sources import VideoSource

__all__ = ["Failure", "Timings", "error_message", "extract_in_batches"]


@checked
@dataclass(frozen=True)
class Failure:
    """A video that could not be extracted, and the reason in one line."""

    source: VideoSource
    reason: str


@checked
@dataclass
class Timings:
    """Seconds spent in each extractor's model, and the number of items it processed, by extractor name."""

    seconds: dict[str, float] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, seconds: float, items: int) -> None:
        """Adds one call of an extractor."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.items[name] = self.items.get(name, 0) + items

    def merge(self, others: Timings) -> None:
        """Adds the totals of another process."""
        for name, seconds in others.seconds.items():
            self.add(name, seconds, others.items[name])


def extract_in_batches(
    name: str, extractor: Extractor, values: Sequence[Any], batch_size: int, timings: Timings
) -> list[ItemFeatures]:
    """Runs an extractor on preprocessed items, at most ``batch_size`` per call.

    Args:
        name: Name of the extractor, for messages and timings.
        extractor: The extractor.
        values: Results of its :meth:`~stgraph.extraction.extractors.protocol.Extractor.preprocess`.
        batch_size: Largest number of items per call.
        timings: The time taken is added here.

    Returns:
        The features of each item, in order.

    Raises:
        OptionError: If the extractor returns more or fewer results than it was given items.
    """
    start = time.perf_counter()
    features: list[ItemFeatures] = []
    for begin in range(0, len(values), batch_size):
        features += extractor.extract(values[begin : begin + batch_size])
    if len(features) != len(values):
        raise OptionError(
            f"'{name}' must return one result per item, got {len(features)} results for {len(values)} items."
        )
    timings.add(name, time.perf_counter() - start, len(values))
    return features


def error_message(error: BaseException) -> str:
    """An error as one line. Errors that are not stgraph's own are preceded by their type.

    >>> error_message(ZeroDivisionError("division\\n  by zero"))
    'ZeroDivisionError: division by zero'
    """
    message = " ".join(str(error).split())
    return message if isinstance(error, StgraphError) else f"{type(error).__name__}: {message}"
