"""One video file as items for the extractors: read once, in the order of its frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.extraction.extractors.protocol import Extractor
from stgraph.extraction.plan import FrameRule
from stgraph.extraction.sources import VideoSource
from stgraph.video import VideoReader

__all__ = ["Items", "VideoFacts", "read_items"]


@dataclass(frozen=True)
class VideoFacts:
    """What is known of a video before anybody looks at its pictures.

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
class Items:
    """Prepared items of one extractor, following each other from position ``first`` on."""

    extractor: int
    first: int
    values: Sequence[Any]


def read_items(
    source: VideoSource, rule: FrameRule, extractors: Sequence[Extractor], batch_size: int
) -> Iterator[VideoFacts | Items]:
    """The facts of a video, then groups of at most ``batch_size`` items, each extractor's in their order.

    Clip c holds the frames 16 c to 16 c + 15; what is left over at the end is no clip. A video shorter than one clip
    repeats its last frame.

    Raises: DataError, MissingDataError: A file that cannot be read; the sentence says why.
    """
    with VideoReader(source.path) as video:
        total = video.num_frames
        frames = rule(total)
        lengths = {extractor.frames_per_item for extractor in extractors} - {1}
        if len(lengths) > 1:
            raise DataError(f"Extractors of clips must agree on their length, got {sorted(lengths)} frames.")
        length = next(iter(lengths), 16)
        starts = np.arange(max(1, total // length)) * length
        in_clips = min(total, len(starts) * length) if lengths else 0
        yield VideoFacts(
            source.id,
            video.size,
            video.fps,
            total,
            torch.from_numpy(frames),
            video.times[torch.from_numpy(frames)],
            torch.from_numpy(starts) if lengths else torch.zeros(0, dtype=torch.int64),
        )
        items = _items(video, set(frames.tolist()), in_clips, length, extractors)
        yield from _grouped(items, batch_size)


def _items(
    video: VideoReader, sampled: set[int], in_clips: int, length: int, extractors: Sequence[Extractor]
) -> Iterator[tuple[int, Any]]:
    """Extractor and prepared item, as the frames come; the first ``in_clips`` frames make up the clips."""
    singles = [k for k, extractor in enumerate(extractors) if extractor.frames_per_item == 1]
    clips = [k for k, extractor in enumerate(extractors) if extractor.frames_per_item > 1]
    size = video.size
    clip: list[Tensor] = []
    for number, picture in video.frames([*sampled, *range(in_clips)]):
        if picture.shape[:2] != size:
            raise DataError(
                f"{video.path}: frame {number} is {picture.shape[0]} x {picture.shape[1]} pixels, the first one "
                f"{size[0]} x {size[1]}; cut the file where its size changes."
            )
        frame = torch.from_numpy(picture)[None]
        if number in sampled:
            for k in singles:
                yield k, extractors[k].preprocess(frame)
        if number < in_clips:
            clip.append(frame)
            if len(clip) == length:
                pictures = torch.cat(clip)
                yield from ((k, extractors[k].preprocess(pictures)) for k in clips)
                clip = []
    if clip:
        pictures = torch.cat([*clip, *[clip[-1]] * (length - len(clip))])
        yield from ((k, extractors[k].preprocess(pictures)) for k in clips)


def _grouped(items: Iterator[tuple[int, Any]], batch_size: int) -> Iterator[Items]:
    waiting: dict[int, list[Any]] = {}
    first: dict[int, int] = {}
    for k, value in items:
        group = waiting.setdefault(k, [])
        group.append(value)
        if len(group) == batch_size:
            yield Items(k, first.get(k, 0), group)
            first[k], waiting[k] = first.get(k, 0) + batch_size, []
    for k, group in waiting.items():
        if group:
            yield Items(k, first.get(k, 0), group)
