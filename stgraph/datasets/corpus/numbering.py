"""Official numbers of the videos of public corpora, which identify a video under either of its names."""

from __future__ import annotations

from collections.abc import Collection

from stgraph.datasets.corpus.official_splits import MSRVTT_NUMBER, MSVD_NAME, MSVD_NUMBER

__all__ = ["VIDEOS", "video_numbers"]

VIDEOS = {"msvd": range(1, 1971), "msrvtt": range(10_000)}
"""Official numbers of the videos, by corpus."""


def video_numbers(ids: Collection[str], name: str, known: Collection[str] = ()) -> dict[str, int]:
    """Finds the official number of each video.

    Args:
        ids: Names of videos.
        name: "msvd" or "msrvtt".
        known: All 1,970 names ``YouTubeID_start_end`` of MSVD, whose order numbers them; by default those among ``ids``.

    Returns:
        Number by id: N for ``vidN`` of MSVD and ``videoN`` of MSR-VTT, the place among the names of MSVD. Other names, and
        MSVD's if not all 1,970 are known, are left out.

    >>> video_numbers(["vid7", "vid1971", "a.b"], "msvd"), video_numbers(["video0"], "msrvtt")
    ({'vid7': 7}, {'video0': 0})
    """
    pattern = MSVD_NUMBER if name == "msvd" else MSRVTT_NUMBER
    matches = {video: pattern.fullmatch(video) for video in ids}
    found = {video: int(match[1]) for video, match in matches.items() if match}
    if name == "msvd":
        names = sorted(video for video in known or ids if MSVD_NAME.fullmatch(video))
        if len(names) == len(VIDEOS[name]):
            places = {video: place for place, video in enumerate(names, start=1)}
            found |= {video: places[video] for video in ids if video in places}
    return {video: number for video, number in found.items() if number in VIDEOS[name]}
