"""Splits of videos that nobody has split: by shares, drawn from the ids themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from stgraph.errors import DataError, OptionError

__all__ = ["draw_splits"]


def draw_splits(ids: Iterable[str], val: float = 0.1, test: float = 0.1, seed: int = 0) -> dict[str, str]:
    """Draws a split for each video.

    What a video draws is a function of (``seed``, its id) alone: a video that is added or taken away moves no other
    one, so a test video never turns up among those that a model was trained on. Shares hold on average only.

    Args:
        ids: The videos.
        val, test: Shares of the videos; the rest is for training.
        seed: Another one draws anew.

    Raises: OptionError: Shares below 0, or that leave nothing for training. DataError: A split that was asked for
        has drawn no video.

    >>> draw_splits(["cat", "cow", "dog", "hen", "pig"], val=0.2, test=0.2, seed=4)
    {'cat': 'train', 'cow': 'train', 'dog': 'test', 'hen': 'val', 'pig': 'train'}
    """
    if min(val, test) < 0 or val + test >= 1:
        raise OptionError(
            f"The shares of val and test must be 0 or more and below 1 together, got {val} and {test}."
        )
    found = {video_id: _drawn(_uniform(seed, video_id), val, test) for video_id in ids}
    for split, share in {"train": 1 - val - test, "val": val, "test": test}.items():
        if share and split not in found.values():
            raise DataError(
                f"None of {len(found)} videos fell into the split '{split}', whose share is {share:g}; take another seed, "
                "a larger share or 0, or name the split of each video."
            )
    return found


def _drawn(number: float, val: float, test: float) -> str:
    return "test" if number < test else "val" if number < test + val else "train"


def _uniform(seed: int, video_id: str) -> float:
    """A number from 0 to 1; Python's own hash of a text differs between processes."""
    digest = hashlib.sha256(f"{seed}:{video_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
