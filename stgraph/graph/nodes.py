"""Node columns of one or many videos, selected and padded for all videos at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.features.detections import Detections, top_objects
from stgraph.large_tensors import concatenated, empty
from stgraph.typing import check_shape

__all__ = ["Nodes", "join_nodes", "join_stream"]


@dataclass
class Nodes:
    """Concatenated node attributes of B videos; ``frame`` is numbered consecutively over all of them.

    Shapes: each of ``values`` ``[N, ...]``; video ``[N]``; node_ptr, frame_ptr ``[B + 1]``.
    """

    values: dict[str, Tensor]
    video: Tensor
    node_ptr: Tensor
    frame_ptr: Tensor


def join_nodes(
    videos: Sequence[Detections], max_objects: int | None, score_threshold: float, pad_objects: int | None
) -> Nodes:
    """Selects the best boxes of each frame and concatenates their attributes over all videos.

    Args:
        videos: Detections of each video.
        max_objects: Largest number of boxes per frame; None keeps all.
        score_threshold: Boxes with lower scores are dropped.
        pad_objects: Pads every frame to this number of boxes; None does not pad.

    Raises:
        DataError: If widths of features or keypoints differ between videos, or only some videos have keypoints.
    """
    device = videos[0].boxes.device
    frame_ptr = _pointer([video.num_frames for video in videos]).to(device)
    box_ptr = _pointer([len(video) for video in videos]).to(device)
    frame = _join(videos, "frame") + frame_ptr[:-1].repeat_interleave(box_ptr.diff())
    score = _join(videos, "scores")
    num_frames = int(frame_ptr[-1])
    keep = top_objects(frame, score, num_frames, max_objects, score_threshold)
    frame = frame[keep]
    values = {
        "x": _join_features([video.features for video in videos], keep, box_ptr),
        "box": _join(videos, "boxes")[keep],
        "score": score[keep],
        "label": _join(videos, "labels")[keep],
        "track": _join(videos, "track")[keep],
    }
    keypoints = [video.keypoints for video in videos if video.keypoints is not None and len(video)]
    if keypoints:
        if len(keypoints) < sum(len(video) > 0 for video in videos):
            raise DataError(
                "'keypoints' must be given for all videos of a batch or for none, got them for some."
            )
        _check_widths("keypoints", keypoints)
        values["keypoints"] = torch.cat(keypoints)[keep]
    if pad_objects is not None:
        count = torch.bincount(frame, minlength=num_frames)
        rank = torch.arange(len(frame), device=device) - (count.cumsum(0) - count)[frame]
        slot = frame * pad_objects + rank
        frame = torch.arange(num_frames, device=device).repeat_interleave(pad_objects)
        values = {name: _spread(name, value, slot, len(frame)) for name, value in values.items()}
    longest = max(video.num_frames for video in videos)
    unknown = torch.full((longest,), torch.nan, device=device)
    time = torch.cat([unknown[: video.num_frames] if video.time is None else video.time for video in videos])
    node_ptr = torch.searchsorted(frame, frame_ptr)
    x = values.pop("x")
    return Nodes(
        values={"x": x, "frame": frame, "time": time[frame], **values},
        video=torch.arange(len(videos), device=device).repeat_interleave(node_ptr.diff()),
        node_ptr=node_ptr,
        frame_ptr=frame_ptr,
    )


def join_stream(
    name: str, streams: Sequence[Tensor] | None, videos: Sequence[Detections], axes: str = "T F"
) -> Tensor | None:
    """Concatenates a scene stream over all videos, one row per frame.

    Args:
        name: Name of the stream, for messages.
        streams: Features of each video; None if there are none.
        videos: Detections of each video, for the number of frames.
        axes: Axes that each stream must have.

    Returns:
        Rows of all videos; None without streams.

    Raises:
        ShapeError: If a stream does not have T rows.
        DataError: If widths differ between videos, or devices do.
    """
    if streams is None:
        return None
    streams = [torch.as_tensor(stream, dtype=torch.float32) for stream in streams]
    for stream, video in zip(streams, videos, strict=True):
        check_shape(name, stream, axes, T=video.num_frames)
        if stream.device != streams[0].device or stream.is_meta:
            raise DataError(
                f"'{name}' must be on one device for all videos of a batch, got {streams[0].device} and {stream.device}."
            )
    _check_widths(name, streams)
    return torch.cat(streams)


def _join(videos: Sequence[Detections], name: str) -> Tensor:
    return torch.cat([getattr(video, name) for video in videos])


def _join_features(features: list[Tensor], keep: Tensor, box_ptr: Tensor) -> Tensor:
    filled = [part for part in features if len(part)] or features[
        :1
    ]  # without boxes the width may be unknown
    _check_widths("features", filled)
    if len(keep) == int(box_ptr[-1]):
        return concatenated(filled)
    # Copy each kept row once, into its final place: features dominate the memory of a graph.
    out = empty((len(keep), filled[0].size(1)), features[0])
    start = torch.searchsorted(keep, box_ptr).tolist()
    for part, first, begin, end in zip(features, box_ptr.tolist(), start, start[1:], strict=False):
        if begin < end:
            torch.index_select(part, 0, keep[begin:end] - first, out=out[begin:end])
    return out


def _check_widths(name: str, parts: list[Tensor]) -> None:
    for part in parts:
        if part.shape[1:] != parts[0].shape[1:]:
            one, other = (" x ".join(map(str, of.shape[1:])) for of in (parts[0], part))
            raise DataError(
                f"'{name}' must have one width in all videos of a batch, got {one} and {other}; take all from one "
                "extractor."
            )


def _spread(name: str, value: Tensor, slot: Tensor, num_nodes: int) -> Tensor:
    absent = -1 if name in ("label", "track") else 0
    return value.new_full((num_nodes, *value.shape[1:]), absent).index_copy_(0, slot, value)


def _pointer(sizes: list[int]) -> Tensor:
    return torch.tensor([0, *sizes]).cumsum(0)
