"""Graphs with targets of annotated videos: actions of clips, states of tracks, relations of pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import torch

from stgraph.checking import checked
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo
from stgraph.datasets.tracks.track_dataset import TrackDataset
from stgraph.errors import DataError, OptionError
from stgraph.graph import VideoGraph, VideoGraphBuilder

__all__ = ["clip_examples", "relation_examples", "track_examples"]


@checked
def clip_examples(
    dataset: TrackDataset,
    builder: VideoGraphBuilder | None = None,
    *,
    kind: str = "action",
    num_frames: int | None = 16,
    leave_out: Collection[str] = (),
    ids: Sequence[str] | None = None,
) -> list[tuple[VideoGraph, str]]:
    """One graph per segment, with the segment's label.

    The ``video_id`` of a graph is that of the video and the frames of the segment, as in ``0126143431/69-135``.

    Args:
        dataset: The videos.
        builder: As in :meth:`AnnotatedVideo.graph`.
        kind: Kind of the segments.
        num_frames: Frames that are sampled from each segment; None keeps all.
        leave_out: Labels of segments to leave out, such as "null".
        ids: Videos to use; None uses all.

    Returns:
        Pairs of a graph and its label, in the order of the videos and of time.

    Raises:
        DataError: If no video has such a segment.
        OptionError: If an argument is not allowed.
    """
    _check(dataset, {"num_frames": num_frames})
    found = []
    for video in _videos(dataset, ids):
        for segment in sorted(video.segments_of(kind), key=lambda each: (each.start, each.end)):
            if segment.label not in leave_out:
                name = f"{video.video_id}/{segment.start}-{segment.end}"
                clip = video.clip(segment.start, segment.end, num_frames)
                found.append((clip.graph(builder, name), segment.label))
    if not found:
        raise DataError(
            f"The videos of {dataset.name} have no segments of the kind '{kind}' but those left out; choose another kind."
        )
    return found


@checked
def track_examples(
    dataset: TrackDataset,
    builder: VideoGraphBuilder | None = None,
    *,
    state: str,
    window: int = 30,
    horizon: int = 0,
    stride: int | None = None,
    num_frames: int | None = 10,
    labels: Collection[str] | None = None,
    ids: Sequence[str] | None = None,
) -> list[tuple[VideoGraph, dict[int, str]]]:
    """One graph per window of frames, with the state of its tracks at the end of the window or later.

    The graph holds every box of the window. A track is a target if it has a box in the sampled frames, and a known state in
    the frame ``horizon`` frames after the last one of the window.

    Args:
        dataset: The videos.
        builder: As in :meth:`AnnotatedVideo.graph`.
        state: Name of the state, one of the data set's ``state_names``.
        window: Length of a window in frames of the file.
        horizon: Frames of the file between the last one of the window and the one whose state is to be predicted.
        stride: Frames of the file from one window to the next; None is ``window``. Frames left over at the end of a video,
            fewer than ``window``, are in no window.
        num_frames: Frames that are sampled from each window; None keeps all.
        labels: Classes of things whose tracks are targets; None takes every track with the state.
        ids: Videos to use; None uses all.

    Returns:
        Pairs of a graph and the class of each target by its track; windows without a target are left out.

    Raises:
        DataError: If there is no target in any window.
        OptionError: If an argument is not allowed.
    """
    _check(dataset, {"window": window, "num_frames": num_frames, "stride": stride})
    if state not in dataset.state_names:
        raise OptionError(
            f"'state' must be one of {sorted(dataset.state_names)} for {dataset.name}, got {state!r}."
        )
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 0:
        raise OptionError(f"'horizon' must be a whole number of at least 0, got {horizon!r}.")
    classes = dataset.state_names[state]
    found = []
    for video in _videos(dataset, ids):
        states = _states_by_frame(video, state, dataset, labels)
        first, last = int(video.frame_numbers[0]), int(video.frame_numbers[-1])
        for start in range(first, last + 2 - window, window if stride is None else stride):
            end = start + window
            known = states.get(end - 1 + horizon, {})
            if not known:
                continue
            clip = video.clip(start, end, num_frames)
            seen = set(clip.detections.track.tolist())
            targets = {track: classes[number] for track, number in known.items() if track in seen}
            if targets:
                found.append((clip.graph(builder, f"{video.video_id}/{start}-{end}"), targets))
    if not found:
        raise DataError(
            f"No window of {window} frames of {dataset.name} has a track with the state '{state}'; choose another state "
            "or a shorter window."
        )
    return found


@checked
def relation_examples(
    dataset: TrackDataset,
    builder: VideoGraphBuilder | None = None,
    *,
    window: int | None = None,
    num_frames: int | None = 16,
    relations: Collection[str] | None = None,
    ids: Sequence[str] | None = None,
) -> list[tuple[VideoGraph, dict[tuple[int, int], tuple[str, ...]]]]:
    """One graph per video or window, with the relations of pairs of boxes in its frames.

    Args:
        dataset: The videos.
        builder: As in :meth:`AnnotatedVideo.graph`.
        window: Length of a window in frames of the file; None takes each video whole. The last window of a video holds the
            frames that are left.
        num_frames: Frames that are sampled; None keeps all.
        relations: Relations to predict, such as ``("holding", "not_holding")``; pairs with none of them are no targets.
            None takes all.
        ids: Videos to use; None uses all.

    Returns:
        Pairs of a graph and the relations of each pair of nodes; graphs without a relation are left out.

    Raises:
        DataError: If there is no such relation in any frame.
        OptionError: If an argument is not allowed.
    """
    _check(dataset, {"window": window, "num_frames": num_frames})
    if unknown := sorted(set(relations or ()) - set(dataset.relation_names)):
        raise OptionError(f"'relations' must be some of {dataset.relation_names}, got {unknown[0]!r}.")
    found = []
    for video in _videos(dataset, ids):
        first, last = int(video.frame_numbers[0]), int(video.frame_numbers[-1])
        length = last - first + 1 if window is None else window
        for start in range(first, last + 1, length):  # the last window of a video may be shorter
            end = min(start + length, last + 1)
            name = video.video_id if window is None else f"{video.video_id}/{start}-{end}"
            clip = video.clip(start, end, num_frames)
            pairs: dict[tuple[int, int], tuple[str, ...]] = {}
            for i, j, number in zip(*clip.relation_index.tolist(), clip.relation.tolist(), strict=True):
                relation = dataset.relation_names[number]
                if relations is None or relation in relations:
                    pairs[i, j] = (*pairs.get((i, j), ()), relation)
            if pairs:
                found.append((clip.graph(builder, name), pairs))
    if not found:
        raise DataError(
            f"The sampled frames of {dataset.name} have none of the relations that are asked for; choose others."
        )
    return found


def _check(dataset: TrackDataset, numbers: dict[str, int | None]) -> None:
    if not isinstance(dataset, TrackDataset):
        raise OptionError(f"'dataset' must be a TrackDataset, got {type(dataset).__name__}.")
    for name, value in numbers.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise OptionError(f"'{name}' must be a whole number of at least 1, got {value!r}.")


def _videos(dataset: TrackDataset, ids: Sequence[str] | None) -> Iterator[AnnotatedVideo]:
    if isinstance(ids, str):
        raise OptionError(f"'ids' must be a list of videos, got the text {ids!r}.")
    return (dataset[video_id] for video_id in (dataset.ids if ids is None else ids))


def _states_by_frame(
    video: AnnotatedVideo, state: str, dataset: TrackDataset, labels: Collection[str] | None
) -> dict[int, dict[int, int]]:
    """Known states by frame number in the file and track."""
    detections, values = video.detections, video.states.get(state)
    if values is None:
        return {}
    good = (values >= 0) & (detections.track >= 0)
    if labels is not None:
        wanted = [number for number, name in enumerate(dataset.label_names) if name in labels]
        good &= torch.isin(detections.labels, torch.tensor(wanted, dtype=torch.long))
    found: dict[int, dict[int, int]] = {}
    rows = zip(
        video.frame_numbers[detections.frame[good]].tolist(),
        detections.track[good].tolist(),
        values[good].tolist(),
        strict=True,
    )
    for frame, track, value in rows:
        found.setdefault(frame, {})[track] = value
    return found
