"""Reads one video file once, in frame order, and preprocesses its frames and clips for the extractors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.extraction.extractors.protocol import Extractor
from stgraph.extraction.plan import FrameRule
from stgraph.extraction.sources import VideoSource
from stgraph.video import check_id

if TYPE_CHECKING:
    from stgraph.video import VideoReader

__all__ = ["BATCH_BYTES", "ItemBatch", "VideoInfo", "num_bytes", "read_items"]

BATCH_BYTES = 1 << 27
"""Bytes of preprocessed items that make a batch, however few they are."""


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video file that are known before any frame is preprocessed.

    Args:
        id: Id of the video.
        size: Height and width in pixels.
        fps: Mean frame rate in 1/s.
        file_frames: F, the number of frames in the file.
        frame_index: Numbers of the sampled frames.
        frame_time: Their times in seconds.
        clip_start: Number of the first frame of each clip; empty if no extractor reads clips.

    Shapes: frame_index, frame_time ``[T]``, clip_start ``[C]``.
    """

    id: str
    size: tuple[int, int]
    fps: float
    file_frames: int
    frame_index: Tensor
    frame_time: Tensor
    clip_start: Tensor


@dataclass(frozen=True)
class ItemBatch:
    """Consecutive preprocessed items of one extractor.

    Args:
        extractor: Number of the extractor.
        first: Position of the first item among the extractor's items.
        values: Results of the extractor's ``preprocess``.
    """

    extractor: int
    first: int
    values: Sequence[Any]

    @property
    def num_bytes(self) -> int:
        """Bytes of its items."""
        return sum(num_bytes(value) for value in self.values)


def num_bytes(item: Any) -> int:
    """Bytes of the arrays in a preprocessed item: an array, or a tuple, list or mapping of such items.

    >>> num_bytes({"pixels": torch.zeros(2, 3), "name": "a"})
    24
    """
    if isinstance(item, Tensor | np.ndarray):
        return int(item.nbytes)
    if isinstance(item, Mapping):
        return sum(map(num_bytes, item.values()))
    return sum(map(num_bytes, item)) if isinstance(item, tuple | list) else 0


def read_items(
    source: VideoSource, rule: FrameRule, extractors: Sequence[Extractor], batch_size: int
) -> Iterator[VideoInfo | ItemBatch]:
    """Yields the properties of a video, then batches of at most ``batch_size`` items, in order for each extractor.

    A batch ends early once its items have :data:`BATCH_BYTES`, as those of very large frames do. Clip c holds frames 16 c to
    16 c + 15; frames left over at the end belong to no clip. A video shorter than one clip
    is padded by repeating its last frame.

    Args:
        source: The file.
        rule: Chooses the frames for extractors of single frames.
        extractors: The extractors; each preprocesses its own items.
        batch_size: Largest number of items per batch.

    Raises:
        DataError: If the id is invalid, the file cannot be read, or the extractors of clips disagree on the clip length.
        MissingDataError: If there is no such file.
    """
    check_id(source.id)
    from stgraph.video import VideoReader  # which needs PyAV

    with VideoReader(source.path) as video:
        total = video.num_frames
        frames = rule(total)
        lengths = {extractor.frames_per_item for extractor in extractors} - {1}
        if len(lengths) > 1:
            raise DataError(f"Extractors of clips must agree on their length, got {sorted(lengths)} frames.")
        length = next(iter(lengths), 16)
        starts = np.arange(max(1, total // length)) * length
        frames_in_clips = min(total, len(starts) * length) if lengths else 0
        yield VideoInfo(
            source.id,
            video.size,
            video.fps,
            total,
            torch.from_numpy(frames),
            video.times[torch.from_numpy(frames)],
            torch.from_numpy(starts) if lengths else torch.zeros(0, dtype=torch.int64),
        )
        items = _preprocessed(video, set(frames.tolist()), frames_in_clips, length, extractors)
        yield from _batched(items, batch_size)


def _preprocessed(
    video: VideoReader, sampled: set[int], frames_in_clips: int, length: int, extractors: Sequence[Extractor]
) -> Iterator[tuple[int, Any]]:
    """Yields extractor number and preprocessed item in frame order; the first ``frames_in_clips`` frames form the clips."""
    of_frames = [k for k, extractor in enumerate(extractors) if extractor.frames_per_item == 1]
    of_clips = [k for k, extractor in enumerate(extractors) if extractor.frames_per_item > 1]
    size = video.size
    clips: dict[int, list[Any]] = {k: [] for k in of_clips}
    for number, image in video.frames([*sampled, *range(frames_in_clips)]):
        if image.shape[:2] != size:
            raise DataError(
                f"{video.path}: frame {number} is {image.shape[0]} x {image.shape[1]} pixels, the first one "
                f"{size[0]} x {size[1]}; cut the file where its size changes."
            )
        frame = torch.from_numpy(image)
        if number in sampled:
            for k in of_frames:
                yield k, extractors[k].preprocess(frame[None])
        if number < frames_in_clips:
            for k, clip in clips.items():
                clip.append(extractors[k].reduce_frame(frame))
                if len(clip) == length:
                    yield k, extractors[k].join_frames(clip)
                    clip.clear()
        del image, frame  # before the next one is decoded
    for k, clip in clips.items():
        if clip:
            yield k, extractors[k].join_frames([*clip, *[clip[-1]] * (length - len(clip))])


def _batched(items: Iterator[tuple[int, Any]], batch_size: int) -> Iterator[ItemBatch]:
    waiting: dict[int, list[Any]] = {}
    first: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for k, value in items:
        batch = waiting.setdefault(k, [])
        batch.append(value)
        sizes[k] = sizes.get(k, 0) + num_bytes(value)
        if len(batch) == batch_size or sizes[k] >= BATCH_BYTES:
            yield ItemBatch(k, first.get(k, 0), batch)
            first[k], waiting[k], sizes[k] = first.get(k, 0) + len(batch), [], 0
    for k, batch in waiting.items():
        if batch:
            yield ItemBatch(k, first.get(k, 0), batch)
