"""Detections of one video: boxes, scores and features, with any number of boxes per frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import check_values, checked, described, passes_on
from stgraph.errors import DataError, OptionError
from stgraph.html_table import html_table
from stgraph.typing import IntTensor, MaskTensor, check_shape

__all__ = ["Detections"]

ROWS_SHOWN = 10
"""Boxes that a notebook shows."""

UNKNOWN_TRACK = -1

Values = Sequence[Any] | Tensor | np.ndarray
"""Array-like numbers; nested sequences have one axis per level."""


def count_rows(features: Values) -> int:
    """Number of rows of given features.

    Raises:
        OptionError: If they have no rows or no values.
    """
    if getattr(features, "ndim", 1) == 0 or getattr(features, "is_meta", False):
        raise OptionError(
            f"'features' must be numbers [N, F], got {described(features)}; pass a row for each box."
        )
    return len(features)


@checked
@dataclass(frozen=True, eq=False, init=False)
class Detections:
    """Boxes, scores and features of one video's objects, checked on construction.

    ``frame`` is the position 0..T-1 among the *sampled* frames, not the frame number in the file; frames are adjacent if
    they are consecutive samples. Use :meth:`from_raw` if you have frame numbers of the file.

    Args:
        boxes: Corners x1, y1, x2, y2 in pixels; a box may extend beyond the image but must overlap it.
        scores: Confidence of each box; use 1 if the detector gives none.
        features: Appearance features of each box.
        frame: Position of each box's frame among the sampled frames, sorted.
        num_frames: T, the number of sampled frames, including those without objects.
        size: Height and width of the image in pixels.
        labels: Class of each box; -1 if unknown.
        track: Track id of each box; -1 if unknown.
        frame_index: Frame number in the file of each sampled frame.
        time: Time of each sampled frame, in seconds from the start of the file.
        features_are_geometry: Whether ``features`` are the geometry of the boxes, used if there are no appearance features.
        keypoints: Keypoints of each box as x, y in pixels and a confidence; None if there are none. A graph keeps them,
            a feature store does not.
        masks: Mask of each object, one byte per pixel; None if there are none. Adapters read masks only on request, as N
            masks of H x W take much memory. Neither the graph nor a feature store keeps them.

    Shapes: boxes ``[N, 4]``, scores ``[N]``, features ``[N, F]``, frame ``[N]``, labels ``[N]``, track ``[N]``,
        frame_index ``[T]``, time ``[T]``, keypoints ``[N, K, 3]``, masks ``[N, H, W]``.

    Raises:
        ShapeError: If the lengths differ.
        DataError: If a value is invalid; the message names the first one.

    Reference: our own design.

    >>> detections = Detections(boxes=[[0, 0, 10, 10], [5, 5, 20, 20]], scores=[0.9, 0.8], features=[[1.0], [2.0]],
    ...                         frame=[0, 1], num_frames=2, size=(24, 32))
    >>> len(detections), detections.num_features
    (2, 1)
    """

    boxes: Tensor
    scores: Tensor
    features: Tensor
    frame: Tensor
    num_frames: int
    size: tuple[int, int]
    labels: Tensor
    track: Tensor
    frame_index: Tensor | None
    time: Tensor | None
    features_are_geometry: bool
    keypoints: Tensor | None
    masks: Tensor | None

    def __init__(
        self,
        boxes: Values,
        scores: Values,
        features: Values,
        frame: Values,
        num_frames: int,
        size: tuple[int, int],
        labels: Values | None = None,
        track: Values | None = None,
        frame_index: Values | None = None,
        time: Values | None = None,
        features_are_geometry: bool = False,
        keypoints: Values | None = None,
        masks: Values | None = None,
    ) -> None:
        corners = _rows("boxes", _float("boxes", boxes))
        num_boxes = corners.shape[0]
        feature_rows = _rows("features", _float("features", features), num_boxes)
        if feature_rows.ndim != 2:
            feature_rows = feature_rows.reshape(num_boxes, -1 if num_boxes else 0)
        values = {
            "boxes": corners.reshape(num_boxes, -1) if num_boxes else torch.zeros(0, 4),
            "scores": _float("scores", scores),
            "features": feature_rows,
            "frame": _long("frame", frame),
            "num_frames": int(num_frames),
            "size": (int(size[0]), int(size[1])),
            "labels": torch.full((num_boxes,), -1) if labels is None else _long("labels", labels),
            "track": torch.full((num_boxes,), -1) if track is None else _long("track", track),
            "frame_index": None if frame_index is None else _long("frame_index", frame_index),
            "time": None if time is None else _float("time", time),
            "features_are_geometry": bool(features_are_geometry),
            "keypoints": None if keypoints is None else _float("keypoints", keypoints),
            "masks": None if masks is None else _tensor("masks", masks).to(torch.bool),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        num_boxes = self.boxes.shape[0]
        check_shape("boxes", self.boxes, "N 4")
        check_shape("features", self.features, "N F", N=num_boxes)
        for name in ("scores", "frame", "labels", "track"):
            check_shape(name, getattr(self, name), "N", N=num_boxes)
        for name in ("frame_index", "time"):
            if getattr(self, name) is not None:
                check_shape(name, getattr(self, name), "T", T=self.num_frames)
        if self.num_frames < 1:
            raise DataError(
                f"'num_frames' must be at least 1, got {self.num_frames}; a video has at least one frame."
            )
        if min(self.size) < 1:
            raise DataError(f"'size' must be (height, width) in pixels, both at least 1, got {self.size}.")
        for name in ("boxes", "scores", "features"):
            _check_finite(name, getattr(self, name))
        if self.keypoints is not None:
            check_shape("keypoints", self.keypoints, "N K 3", N=num_boxes)
            _check_finite("keypoints", self.keypoints)
        if self.masks is not None:
            check_shape("masks", self.masks, "N H W", N=num_boxes, H=self.size[0], W=self.size[1])
        if num_boxes:
            self._check_boxes()
            self._check_frames()

    def _check_boxes(self) -> None:
        height, width = self.size
        low, high = self.boxes[:, :2], self.boxes[:, 2:]
        largest_x, largest_y = low.amax(0).tolist()
        if bool((low < high).all()) and largest_x < width and largest_y < height and float(high.amin()) > 0:
            return  # as nearly always; what follows finds the row
        x1, y1, x2, y2 = self.boxes.unbind(1)
        _check_rows(
            "boxes", self.boxes, (x1 < x2) & (y1 < y2), "must have x1 < x2 and y1 < y2 (xyxy, not xywh)"
        )
        inside = (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
        _check_rows("boxes", self.boxes, inside, f"must overlap the image of (height, width) {self.size}")

    def _check_frames(self) -> None:
        first, last = map(int, self.frame.aminmax())
        if first < 0 or last >= self.num_frames:
            raise DataError(
                f"'frame' must lie in 0..{self.num_frames - 1}, the positions among the sampled frames, got "
                f"{first if first < 0 else last}; for frame numbers in the file use Detections.from_raw(frame_numbers=...)."
            )
        if bool((self.frame[1:] < self.frame[:-1]).any()):
            raise DataError("'frame' must be sorted; order the boxes by frame, or use Detections.from_raw.")

    @classmethod
    def from_raw(
        cls,
        *,
        boxes: Values,
        frame_numbers: Values,
        size: tuple[int, int],
        scores: Values | None = None,
        features: Values | None = None,
        labels: Values | None = None,
        track: Values | None = None,
        keypoints: Values | None = None,
        masks: Values | None = None,
        sampled: Sequence[int] | None = None,
        fps: float | None = None,
    ) -> Detections:
        """Creates detections from boxes in any order, with their frame numbers in the file.

        Args:
            boxes: As in the class.
            frame_numbers: Frame number in the file of each box, ``[N]``.
            size: Height and width of the image in pixels.
            scores: As in the class; None means 1.
            features: As in the class; None uses the box geometry of :meth:`geometry`.
            labels: As in the class.
            track: As in the class.
            keypoints: As in the class.
            masks: As in the class.
            sampled: Frame numbers in the file of all sampled frames, including those without boxes, increasing. None
                uses the frame numbers that occur; the graph then has no frames without boxes.
            fps: Frames per second of the file, to compute ``time``.

        Returns:
            The detections, sorted by frame.

        Raises:
            ShapeError: If the lengths differ.
            DataError: If the frame number of a box is not in ``sampled``, or a value is invalid.
        """
        if fps is not None and not 0 < float(fps) < float("inf"):
            raise DataError(f"'fps' must be positive, or None if unknown, got '{fps}'; correct it.")
        numbers = _long("frame_numbers", frame_numbers).cpu().numpy().reshape(-1)
        frames = np.unique(numbers) if sampled is None else np.asarray(sampled, dtype=np.int64)
        if len(frames) == 0:
            raise DataError("'sampled' must list the sampled frames if there are no boxes, got none.")
        if (np.diff(frames) <= 0).any():
            raise DataError(f"'sampled' must increase, got {frames[:10].tolist()}.")
        position = np.searchsorted(frames, numbers).clip(max=len(frames) - 1)
        strangers = numbers[frames[position] != numbers]
        if len(strangers):
            raise DataError(
                f"'frame_numbers' must be among 'sampled', got {int(strangers[0])}; add that frame to 'sampled' or "
                "remove its boxes."
            )
        order = torch.from_numpy(np.argsort(position, kind="stable"))
        corners = _float("boxes", boxes)
        corners = corners.reshape(-1, 4) if corners.numel() % 4 == 0 else corners
        check_shape("boxes", corners, "N 4", N=len(order))

        def sorted_rows(name: str, value: Values) -> Tensor:
            return _rows(name, _tensor(name, value), len(order))[order]

        return cls(
            boxes=corners[order],
            scores=torch.ones(len(order)) if scores is None else sorted_rows("scores", scores),
            features=sorted_rows("features", _geometry(corners, size) if features is None else features),
            frame=torch.from_numpy(position)[order],
            num_frames=len(frames),
            size=size,
            labels=None if labels is None else sorted_rows("labels", labels),
            track=None if track is None else sorted_rows("track", track),
            frame_index=torch.from_numpy(frames),
            time=None if fps is None else torch.from_numpy(frames / float(fps)).float(),
            features_are_geometry=features is None,
            keypoints=None if keypoints is None else sorted_rows("keypoints", keypoints),
            masks=None if masks is None else sorted_rows("masks", masks),
        )

    @classmethod
    @passes_on
    def from_ultralytics(cls, results: Any, **options: Any) -> Detections:
        """Converts the results of an Ultralytics model; see :func:`stgraph.features.adapters.from_ultralytics`."""
        from stgraph.features.adapters.ultralytics import from_ultralytics

        return from_ultralytics(results, **options)

    @classmethod
    @passes_on
    def from_yolo_text(cls, path: str | Path, size: tuple[int, int], **options: Any) -> Detections:
        """Reads YOLO text files; see :func:`stgraph.features.adapters.read_yolo_text`."""
        from stgraph.features.adapters.yolo_text import read_yolo_text

        return read_yolo_text(path, size, **options)

    @classmethod
    @passes_on
    def from_supervision(cls, frames: Sequence[Any], size: tuple[int, int], **options: Any) -> Detections:
        """Converts one ``supervision.Detections`` per frame; see :func:`stgraph.features.adapters.from_supervision`."""
        from stgraph.features.adapters.supervision import from_supervision

        return from_supervision(frames, size, **options)

    @classmethod
    @passes_on
    def from_torchvision(
        cls, dicts: Sequence[Mapping[str, Any]], size: tuple[int, int], **options: Any
    ) -> Detections:
        """Converts one dict per frame; see :func:`stgraph.features.adapters.from_torchvision_dicts`."""
        from stgraph.features.adapters.torchvision_dicts import from_torchvision_dicts

        return from_torchvision_dicts(dicts, size, **options)

    @classmethod
    @passes_on
    def from_coco(
        cls, results: Sequence[Mapping[str, Any]], size: tuple[int, int], **options: Any
    ) -> Detections:
        """Converts COCO results of one video; see :func:`stgraph.features.adapters.from_coco_results`."""
        from stgraph.features.adapters.coco_results import from_coco_results

        (detections,) = from_coco_results(results, size, **options).values()
        return detections

    @classmethod
    @passes_on
    def from_mot(cls, path: str | Path, size: tuple[int, int], **options: Any) -> Detections:
        """Reads a MOTChallenge text file; see :func:`stgraph.features.adapters.read_mot_text`."""
        from stgraph.features.adapters.mot_text import read_mot_text

        return read_mot_text(path, size, **options)

    @property
    def num_features(self) -> int:
        """F, the width of ``features``."""
        return self.features.size(1)

    def _repr_html_(self) -> str:
        """What a notebook shows: the first boxes."""
        rows = [
            (
                int(self.frame[n]),
                ", ".join(f"{value:.0f}" for value in self.boxes[n].tolist()),
                f"{float(self.scores[n]):.2f}",
                int(self.labels[n]),
                int(self.track[n]),
            )
            for n in range(min(len(self), ROWS_SHOWN))
        ]
        more = len(self) - len(rows)
        height, width = self.size
        title = f"{len(self)} boxes in {self.num_frames} frames of {width} x {height} pixels"
        columns = ("frame", "x1, y1, x2, y2", "score", "label", "track")
        return html_table(title, columns, rows, f"and {more} more" if more else "")

    def __len__(self) -> int:
        return len(self.boxes)

    def geometry(self) -> Tensor:
        """Centre x, centre y, width, height and area of each box as fractions of the image, ``[N, 5]``."""
        return _geometry(self.boxes, self.size)

    def top(self, max_objects: int | None = None, score_threshold: float = 0.0) -> Detections:
        """Keeps the best-scoring boxes of each frame, in their original order.

        Of boxes with equal scores the earlier ones are kept.

        Args:
            max_objects: Largest number of boxes per frame; None keeps all.
            score_threshold: Lowest score that is kept.

        Raises:
            OptionError: If ``max_objects`` is below 1.
        """
        if max_objects is not None and max_objects < 1:
            raise OptionError(f"'max_objects' must be at least 1 or None, got {max_objects}.")
        keep = top_objects(self.frame, self.scores, self.num_frames, max_objects, score_threshold)
        return self if len(keep) == len(self) else self.select(keep)

    def select(self, index: IntTensor | MaskTensor) -> Detections:
        """Keeps the boxes at the positions ``index``, which must increase, or where it is True, and all frames.

        Raises:
            OptionError: If a position is not that of a box.
            ShapeError: If ``index`` has other axes.
        """
        if index.dtype == torch.bool:
            check_shape("index", index, "N", N=len(self))
        else:
            check_shape("index", index, "K")
            check_values("index", index, len(self), low=-len(self))
        optional = [name for name in ("keypoints", "masks") if getattr(self, name) is not None]
        names = ("boxes", "scores", "features", "frame", "labels", "track", *optional)
        return replace(self, **{name: getattr(self, name)[index] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def top_objects(
    frame: Tensor, scores: Tensor, num_frames: int, max_objects: int | None, score_threshold: float
) -> Tensor:
    """Increasing positions of the best-scoring boxes of each frame; ``frame`` must be sorted.

    Args:
        frame: Frame of each box.
        scores: Score of each box.
        num_frames: T, the number of frames.
        max_objects: Largest number of boxes per frame; None keeps all.
        score_threshold: Lowest score that is kept.
    """
    kept = (scores >= score_threshold).nonzero()[:, 0]
    if max_objects is None or not len(kept):
        return kept
    # A stable sort by score, then by frame, puts the best of each frame first and keeps the order of equal scores.
    by_score = kept[scores[kept].argsort(descending=True, stable=True)]
    by_frame = by_score[frame[by_score].argsort(stable=True)]
    count = torch.bincount(frame[by_frame], minlength=num_frames)
    first = (count.cumsum(0) - count)[frame[by_frame]]
    rank = torch.arange(len(by_frame), device=first.device) - first
    return by_frame[rank < max_objects].sort().values


def _geometry(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    height, width = size
    scaled = boxes / boxes.new_tensor([width, height, width, height])
    extent = scaled[:, 2:] - scaled[:, :2]
    return torch.cat([(scaled[:, :2] + scaled[:, 2:]) / 2, extent, extent.prod(1, keepdim=True)], dim=1)


def _rows(name: str, value: Tensor, num_boxes: int | None = None) -> Tensor:
    """A value with one row per box.

    Raises:
        ShapeError: If it has no rows, or not one per box.
    """
    if value.ndim == 0 or num_boxes not in (None, value.shape[0]):
        check_shape(name, value, "N ..." if value.ndim else "N", N=num_boxes)
    return value


def _float(name: str, value: Any) -> Tensor:
    return _tensor(name, value).to(torch.float32)


def _long(name: str, value: Any) -> Tensor:
    found = _tensor(name, value)
    if found.is_floating_point():
        _check_finite(name, found)
    return found.to(torch.int64)


def _tensor(name: str, value: Any) -> Tensor:
    if isinstance(value, Tensor) and not value.is_complex():
        return value
    try:
        found = torch.as_tensor(np.asarray(value) if isinstance(value, list | tuple) else value)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"'{name}' must be an array of numbers, got {type(value).__name__}: {error}."
        ) from error
    if found.is_complex():
        raise DataError(f"'{name}' must be an array of real numbers, got {described(found)}.")
    return found


def all_finite(value: Tensor) -> bool:
    """Whether no value is NaN or infinite; a finite sum proves it a hundred times faster than a check of each value."""
    return math.isfinite(float(value.detach().sum())) or bool(torch.isfinite(value).all())


def _check_finite(name: str, value: Tensor) -> None:
    if not all_finite(value):
        rows = value.reshape(len(value) if value.ndim else 1, -1)
        row = int((~torch.isfinite(rows)).nonzero()[0, 0])
        raise DataError(
            f"'{name}' must be finite, got {rows[row, :8].tolist()} in row {row}; fix or drop it."
        )


def _check_rows(name: str, value: Tensor, good: Tensor, rule: str) -> None:
    if not bool(good.all()):
        row = int((~good).nonzero()[0, 0])
        raise DataError(f"'{name}' {rule}, got {value[row].tolist()} in row {row}; clip or remove it.")
