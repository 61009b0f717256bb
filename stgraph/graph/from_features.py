"""Builds graphs from the stored features of videos."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.features.detections import Detections
from stgraph.features.video_features import Sampling, VideoFeatures
from stgraph.graph.builder import VideoGraphBuilder

__all__ = ["graphs_of"]


@checked
def graphs_of(
    videos: Sequence[VideoFeatures],
    builder: VideoGraphBuilder,
    num_frames: int | None = 10,
    *,
    sampling: Sampling = "spread",
    grids: Collection[str] = (),
    category: Sequence[int] | None = None,
) -> Batch:
    """Samples each video to ``num_frames`` and builds one batch; a video without detections has no nodes.

    Each frame gets the motion feature and the grid of the last clip that starts at or before it, clip
    min(n // 16, C - 1) of C for frame n; with ``sampling="chunks"``, motion features are taken by the clips' own numbers.

    Args:
        videos: Features of each video.
        builder: Builds the graphs.
        num_frames: Number of frames sampled per video; None keeps all.
        sampling: Rule that chooses frames and motion features; see :meth:`VideoFeatures.sample` and
            :meth:`VideoFeatures.motion_of_frames`.
        grids: Names of the grid features to add to the graphs.
        category: Category number of each video, -1 unknown.

    Returns:
        One batch of all videos.

    Raises:
        DataError: If a video lacks one of the grids.
    """
    sampled = [video.sample(num_frames, sampling) for video in videos]
    return builder.build_batch(
        [_detections(video) for video in sampled],
        appearance=_all_or_none([video.appearance for video in sampled]),
        motion=_all_or_none([video.motion_of_frames(sampling) for video in sampled]),
        video_id=[video.id for video in sampled],
        grids={name: [_grid(video, name) for video in sampled] for name in grids},
        category=category,
    )


def _detections(video: VideoFeatures) -> Detections:
    if video.detections is not None:
        return video.detections
    empty = torch.zeros(0)
    return Detections(
        boxes=empty.reshape(0, 4),
        scores=empty,
        features=empty.reshape(0, 1),
        frame=empty.long(),
        num_frames=video.num_frames,
        size=video.size,
        time=video.frame_time,
    )


def _grid(video: VideoFeatures, name: str) -> Tensor:
    grid = video.grid_of_frames(name)
    if grid is None:
        raise DataError(f"Video '{video.id}' has no grid '{name}'; extract it first.")
    return grid


def _all_or_none(streams: list[Tensor | None]) -> list[Tensor] | None:
    present = [stream for stream in streams if stream is not None]
    return present if len(present) == len(streams) else None
