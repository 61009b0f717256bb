"""Reads JAAD's annotation files: XML of the annotation tool CVAT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from stgraph.datasets.tracks.annotated_video import Segment
from stgraph.datasets.tracks.layouts import FARTHEST
from stgraph.errors import DataError, shown
from stgraph.limits import Limits
from stgraph.parsing import read_text

__all__ = ["Rows", "read_jaad_xml"]

LABELS = ("pedestrian", "ped", "people")
CODES = {
    "action": {"standing": 0, "walking": 1},
    "cross": {"not-crossing": 0, "crossing": 1},
    "look": {"not-looking": 0, "looking": 1},
}
"""Columns of states, and the number of each value; a value that is not listed, such as "__undefined__", is unknown."""


@dataclass(frozen=True)
class Rows:
    """The boxes of a video.

    Args:
        values: One row per box: frame, track, x1, y1, x2, y2, walking, crossing, looking; -1 unknown.
        tracks: Label and name of each track.
        num_frames: Number of frames of the video.
        size: Height and width of the picture.
        segments: Labelled intervals.
        attributes: Facts on each track by name.

    Shapes: values ``[N, 9]``.
    """

    values: np.ndarray
    tracks: list[tuple[str, str]]
    num_frames: int
    size: tuple[int, int]
    segments: tuple[Segment, ...] = ()
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_jaad_xml(path: Path) -> Rows:
    """Reads one annotation file.

    Boxes marked as outside the picture are not boxes and are skipped.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If it is not such a file; document type declarations, which could define entities, are refused.
    """
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(
            f"{shown(path)} declares entities, which JAAD's files do not have; remove the declaration."
        )
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise DataError(f"{shown(path)} is not XML ({error}); get the file again.") from error
    num_frames = _whole(path, root.findtext("meta/task/size"), "meta/task/size", at_least=1)
    Limits.current().check("max_frames", num_frames, path, "'meta/task/size' claims")
    size = tuple(
        _whole(path, root.findtext(f"meta/task/original_size/{side}"), f"original_size/{side}", at_least=1)
        for side in ("height", "width")
    )
    tracks, values = [], []
    for number, track in enumerate(root.findall("track")):
        label = track.get("label", "")
        if label not in LABELS:
            raise DataError(
                f"{shown(path)}: track {number} must have one of the labels {LABELS}, got {shown(repr(label), 60)}; the "
                "file is of another version."
            )
        name = f"track {number}"
        for box in track.findall("box"):
            attributes = {each.get("name", ""): each.text or "" for each in box.findall("attribute")}
            name = attributes.get("id", name)
            if box.get("outside") == "1":
                continue
            where = f"track {number} ('{shown(name, 40)}')"
            corners = [
                _number(path, box.get(side), f"{where}, '{side}'") for side in ("xtl", "ytl", "xbr", "ybr")
            ]
            codes = [CODES[key].get(attributes.get(key, ""), -1) for key in CODES]
            frame = _whole(path, box.get("frame"), f"{where}, 'frame'")
            values.append([frame, number, *corners, *codes])
        tracks.append((label, name))
    return Rows(np.array(values, dtype=np.float64).reshape(-1, 9), tracks, num_frames, (size[0], size[1]))


def _number(path: Path, value: str | None, where: str) -> float:
    try:
        number = float(value or "")
    except ValueError:
        number = float("nan")
    if not abs(number) <= FARTHEST:
        raise DataError(
            f"{shown(path)}: {where} must be a number up to {FARTHEST:g}, got {shown(repr(value), 60)}; the file is "
            "damaged, or of another layout."
        )
    return number


def _whole(path: Path, value: str | None, where: str, at_least: int = 0) -> int:
    number = _number(path, value, where)
    if number != int(number) or number < at_least:
        raise DataError(
            f"{shown(path)}: {where} must be a whole number from {at_least} on, got {shown(repr(value), 60)}; correct it."
        )
    return int(number)
