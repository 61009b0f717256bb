"""Values by video id, whose unknown ids raise the error of a data set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from stgraph.errors import UnknownVideoError, shown

__all__ = ["ByVideo"]

Value = TypeVar("Value")


class ByVideo(dict[str, Value]):
    """Values by video id.

    Args:
        of: What has these videos, for the message.
        values: The values.

    Raises:
        UnknownVideoError: At ``[...]``, if there is no such video.

    >>> ByVideo("CAD-120", {"0129": 1})["0130"]
    Traceback (most recent call last):
        ...
    stgraph.errors.UnknownVideoError: CAD-120 has no video '0130'; it has 1, such as '0129'.
    """

    def __init__(self, of: str, values: Mapping[str, Value]) -> None:
        super().__init__(values)
        self.of = of

    def __missing__(self, video_id: str) -> Value:
        raise unknown_video(video_id, self.of, self)


def unknown_video(video_id: str, of: str, known: Collection[str]) -> UnknownVideoError:
    """The error for a video that a data set doesn't have."""
    example = f", such as '{shown(min(known), 60)}'" if known else ""
    return UnknownVideoError(f"{of} has no video '{shown(video_id, 60)}'; it has {len(known)}{example}.")
