"""Joins frame and clip features of videos whose size and times are unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, OptionError, StgraphError
from stgraph.features.video_features import VideoFeatures

__all__ = ["JoinedStreams", "spread_clips"]

STREAMS = ("appearance", "motion")
UNKNOWN_SIZE = (1, 1)  # a stored video needs a size, which only boxes are relative to

ReadArray = Callable[[], np.ndarray]


@checked
@dataclass(frozen=True)
class JoinedStreams:
    """Joins streams that are stored separately by video id; iteration reads one video at a time, sorted by id.

    Such layouts contain only feature vectors. A video gets the frame numbers 0..T-1 (the numbers in the file are
    unknown), NaN for the times and the frame rate, 0 for the number of frames in the file, and the size 1 x 1. Motion
    vectors are spread evenly over the frames, see ``spread_clips``.

    Args:
        streams: Functions that read an array, by stream ("appearance", "motion") and video id. Arrays are ``[T, D]`` or
            ``[C, D]``, or ``[D]`` for a single vector; without appearance, T is C.
        common: Whether to skip videos that lack a stream; otherwise iteration raises an error that names them.
        known: Further ids in the source, so that videos without any stream are reported too.

    Raises:
        OptionError: If there is no stream, or a stream has another name.
        MissingDataError: If a stream has no videos.

    Reference: our own design.
    """

    streams: Mapping[str, Mapping[str, ReadArray]]
    common: bool = False
    known: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.streams or not set(self.streams) <= set(STREAMS):
            raise OptionError(f"'streams' must be some of {STREAMS}, got {sorted(self.streams)}.")
        for stream, videos in self.streams.items():
            if not videos:
                raise MissingDataError(
                    f"No videos have '{stream}' there; check the path and the name of the stream."
                )

    @property
    def ids(self) -> tuple[str, ...]:
        """Sorted ids of the videos that have all streams."""
        return tuple(sorted(set.intersection(*(set(videos) for videos in self.streams.values()))))

    @property
    def mismatches(self) -> dict[str, tuple[str, ...]]:
        """Missing streams by video id, for each video that lacks some."""
        every = sorted(self.known.union(*self.streams.values()))
        lacks = {
            name: tuple(stream for stream in self.streams if name not in self.streams[stream])
            for name in every
        }
        return {name: streams for name, streams in lacks.items() if streams}

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[VideoFeatures]:
        """Reads the videos one at a time.

        Raises:
            DataError: If a stream lacks a video, unless ``common`` (all such videos are named); if no video has all
                streams; or if an array is not one of finite numbers with one or two axes. The message names the video.
        """
        if (found := self.mismatches) and not self.common:
            names = "; ".join(f"{name} (no {' or '.join(streams)})" for name, streams in found.items())
            raise DataError(
                f"{len(found)} videos are not in all streams: {names}; add them, or pass common=True (for a command, "
                "--common) to leave them out."
            )
        if not self.ids:
            raise DataError("No video is in all streams; are they of the same data set?")
        return (self._read(video_id) for video_id in self.ids)

    def _read(self, video_id: str) -> VideoFeatures:
        arrays = {
            stream: _rows(videos[video_id], stream, video_id) for stream, videos in self.streams.items()
        }
        appearance, motion = arrays.get("appearance"), arrays.get("motion")
        num_frames = len(next(iter(arrays.values()))) if appearance is None else len(appearance)
        return VideoFeatures(
            id=video_id,
            size=UNKNOWN_SIZE,
            frame_index=torch.arange(num_frames),
            frame_time=torch.full((num_frames,), float("nan")),
            appearance=appearance,
            motion=motion,
            clip_start=None if motion is None else spread_clips(len(motion), num_frames),
        )


def spread_clips(num_clips: int, num_frames: int) -> Tensor:
    """First frame of each of C clips spread evenly over T frames: frame t belongs to clip floor((t + 0.5) C / T).

    Args:
        num_clips: C.
        num_frames: T.

    Returns:
        Frame numbers in non-decreasing order, int64 ``[C]``.

    >>> spread_clips(1, 40), spread_clips(3, 6)
    (tensor([0]), tensor([0, 2, 4]))
    """
    clip = torch.arange(num_clips)
    # the smallest t with (t + 0.5) C / T >= c
    return -((num_clips - 2 * clip * num_frames) // (2 * num_clips))


def _rows(read: ReadArray, stream: str, video_id: str) -> Tensor:
    try:
        array = read()
    except (StgraphError, OSError, ValueError, RuntimeError, MemoryError) as error:
        raise DataError(f"Video '{video_id}': '{stream}' cannot be read: {error}") from error
    if not isinstance(array, np.ndarray):  # np.load also opens archives
        raise DataError(f"Video '{video_id}': '{stream}' must be one array, got a {type(array).__name__}.")
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or not array.size:
        raise DataError(
            f"Video '{video_id}': '{stream}' must be numbers [T, D], or [D] for one vector, got {array.dtype} "
            f"{list(array.shape)}."
        )
    with np.errstate(over="ignore"):  # values beyond float32 become infinity, which VideoFeatures reports
        return torch.from_numpy(np.atleast_2d(array).astype(np.float32))
