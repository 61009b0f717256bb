"""Frame and clip vectors of many videos that came without their videos' sizes and times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stgraph.errors import DataError, MissingDataError, OptionError, StgraphError
from stgraph.features.video_features import VideoFeatures

__all__ = ["JoinedStreams", "spread_clips"]

STREAMS = ("appearance", "motion")
UNKNOWN_SIZE = (1, 1)  # a stored video has a size; nothing but boxes is measured against it

ReadArray = Callable[[], np.ndarray]


@dataclass(frozen=True)
class JoinedStreams:
    """Videos whose streams lie apart, joined by id; iterating reads them one at a time, sorted by id.

    Such layouts hold vectors only. A video gets the frame numbers 0..T-1 (positions, as the numbers in the
    file are not known), NaN as times and frame rate, 0 as the number of the file's frames, and the size
    1 x 1. Motion vectors are spread evenly over the frames, see :func:`spread_clips`.

    Args:
        streams: By stream ("appearance", "motion") and video id, what reads the array: ``[T, D]`` or
            ``[C, D]``, or ``[D]`` for a single vector. Without appearance, T is C.
        common: Leaves out the videos that some stream lacks; else they are an error when iterating.
        known: Further ids of which the source tells, so that a video without any stream is missed too.

    Raises:
        OptionError: If there is no stream, or one of another name.
        MissingDataError: If a stream has no videos.
    Reference: house design.
    """

    streams: Mapping[str, Mapping[str, ReadArray]]
    common: bool = False
    known: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.streams or not set(self.streams) <= set(STREAMS):
            raise OptionError(f"'streams' must be some of {STREAMS}, got {sorted(self.streams)}.")
        for stream, videos in self.streams.items():
            if not videos:
                raise MissingDataError(f"No videos have '{stream}' there; give the place that holds it.")

    @property
    def ids(self) -> tuple[str, ...]:
        """Sorted ids of the videos that all streams hold."""
        return tuple(sorted(set.intersection(*(set(videos) for videos in self.streams.values()))))

    @property
    def mismatches(self) -> dict[str, tuple[str, ...]]:
        """The streams that a video lacks, by id, for each video that lacks some."""
        every = sorted(self.known.union(*self.streams.values()))
        lacks = {
            name: tuple(stream for stream in self.streams if name not in self.streams[stream])
            for name in every
        }
        return {name: streams for name, streams in lacks.items() if streams}

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[VideoFeatures]:
        """Reads the videos.

        Raises:
            DataError: If some stream lacks an id (all are named), unless ``common``; if the streams have no id in
                common; or if an array does not contain finite numbers in one or two axes. The message names the
                video.
        """
        if (found := self.mismatches) and not self.common:
            told = "; ".join(f"{name} (no {' or '.join(streams)})" for name, streams in found.items())
            raise DataError(
                f"{len(found)} videos are not in all streams: {told}; mend that, or import the common ones only."
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
    """First frame of each clip, such that frame t gets clip floor((t + 0.5) C / T): the clip at its middle.

    Shapes: -> ``[C]`` int64, not falling.

    >>> spread_clips(1, 40), spread_clips(3, 6)
    (tensor([0]), tensor([0, 2, 4]))
    """
    clip = torch.arange(num_clips)
    # the smallest t with (t + 0.5) C / T >= c
    return -((num_clips - 2 * clip * num_frames) // (2 * num_clips))


def _rows(read: ReadArray, stream: str, video_id: str) -> Tensor:
    try:
        array = read()
    except (StgraphError, OSError, ValueError, EOFError) as error:
        raise DataError(f"Video '{video_id}': '{stream}' cannot be read: {error}") from error
    if not isinstance(array, np.ndarray):  # np.load opens archives too
        raise DataError(f"Video '{video_id}': '{stream}' must be one array, got a {type(array).__name__}.")
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or not array.size:
        raise DataError(
            f"Video '{video_id}': '{stream}' must be numbers [T, D], or [D] for one vector, got {array.dtype} "
            f"{list(array.shape)}."
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is told of as infinity
        return torch.from_numpy(np.atleast_2d(array).astype(np.float32))
