"""Random but reproducible splits for videos without given splits, drawn from their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError

__all__ = ["draw_splits"]


@checked
def draw_splits(ids: Iterable[str], val: float = 0.1, test: float = 0.1, seed: int = 0) -> dict[str, str]:
    """Draws a split for each video.

    The split depends on ``seed`` and the video's id alone: adding or removing videos doesn't move any other, so that a
    test video never enters the training data. The shares hold on average only.

    Args:
        ids: Ids of the videos.
        val: Share of the videos in the split val.
        test: Share of the videos in the split test; the rest is for training.
        seed: Seed of the draw.

    Raises:
        OptionError: If a share is below 0, or nothing is left for training.
        DataError: If a requested split receives no video.

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
                f"None of {len(found)} videos fell into the split '{split}', whose share is {share:g}; choose another "
                "seed, a larger share or 0, or give the split of each video."
            )
    return found


def _drawn(number: float, val: float, test: float) -> str:
    return "test" if number < test else "val" if number < test + val else "train"


def _uniform(seed: int, video_id: str) -> float:
    """A number in [0, 1) by a hash that, unlike Python's own, is the same in every process."""
    digest = hashlib.sha256(f"{seed}:{video_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
