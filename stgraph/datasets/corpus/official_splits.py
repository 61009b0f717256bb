"""The official splits of public corpora, which follow from the order of their videos and need no lists."""

from __future__ import annotations

import re
from collections.abc import Collection

from stgraph.errors import DataError, listed

__all__ = ["OFFICIAL", "msrvtt_splits", "msvd_splits"]

OFFICIAL = "official"
"""Value to pass instead of lists of splits to select the official ones."""

MSVD_NAME = re.compile(r"[\w-]{11}_\d+_\d+", re.ASCII)
MSVD_NUMBER = re.compile(r"vid(?:eo)?0*(\d{1,9})", re.ASCII)
MSRVTT_NUMBER = re.compile(r"video(\d{1,9})", re.ASCII)


def msvd_splits(ids: Collection[str]) -> dict[str, str]:
    """Split of each video of MSVD: the first 1,200 train, the next 100 val and the last 670 test.

    Videos are ordered by their names ``YouTubeID_start_end``, upper case before lower case, which is also the order of
    the numbers ``vid1`` to ``vid1970`` that much public code uses.

    Args:
        ids: All 1,970 names, or any of the numbered ids.

    Raises:
        DataError: If an id has another form, or some of the 1,970 names are missing, so that the order is unknown.

    Reference: Venugopalan et al., ICCV 2015.

    >>> msvd_splits(["vid1200", "vid1201", "vid1301"])
    {'vid1200': 'train', 'vid1201': 'val', 'vid1301': 'test'}
    """
    numbers = {video_id: MSVD_NUMBER.fullmatch(video_id) for video_id in ids}
    if all(numbers.values()):
        places = {video_id: int(match[1]) for video_id, match in numbers.items() if match}
        wrong = [video_id for video_id, place in places.items() if not 1 <= place <= 1970]
        if wrong:
            raise DataError(
                f"MSVD's numbered ids go from vid1 to vid1970, got {listed(sorted(wrong))}; give the splits as lists."
            )
    else:
        wrong = [video_id for video_id in ids if not MSVD_NAME.fullmatch(video_id)]
        if wrong:
            raise DataError(
                f"MSVD's videos are named YouTubeID_start_end or vid1 to vid1970, got {listed(sorted(wrong))}; give the "
                "splits as lists."
            )
        if len(ids) != 1970:
            raise DataError(
                "The official splits of MSVD follow the order of all 1,970 names, but there are captions of "
                f"{len(ids):,} videos; give the splits as lists."
            )
        places = {video_id: place for place, video_id in enumerate(sorted(ids), start=1)}
    return {video_id: _part(place, 1200, 1300) for video_id, place in places.items()}


def msrvtt_splits(ids: Collection[str]) -> dict[str, str]:
    """Split of each video of MSR-VTT: 6,513 from ``video0`` on, 497 from ``video6513``, 2,990 from ``video7010``.

    Raises:
        DataError: If an id has another form.

    Reference: Xu et al., CVPR 2016.

    >>> msrvtt_splits(["video6512", "video6513", "video7010"])
    {'video6512': 'train', 'video6513': 'val', 'video7010': 'test'}
    """
    numbers = {video_id: MSRVTT_NUMBER.fullmatch(video_id) for video_id in ids}
    wrong = [video_id for video_id, match in numbers.items() if not match or int(match[1]) > 9999]
    if wrong:
        raise DataError(
            f"MSR-VTT's videos are named video0 to video9999, got {listed(sorted(wrong))}; give the splits as lists."
        )
    return {video_id: _part(int(match[1]) + 1, 6513, 7010) for video_id, match in numbers.items() if match}


def _part(place: int, train_end: int, val_end: int) -> str:
    return "train" if place <= train_end else "val" if place <= val_end else "test"
