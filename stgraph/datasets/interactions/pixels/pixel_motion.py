"""Motion features from pixels: of the content of each box, and of whole clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stgraph.checking import checked
from stgraph.datasets.interactions.pixels.colour import NO_HUE, ColourMap, luminance_of
from stgraph.datasets.interactions.pixels.descriptors import BoxPatches, sample
from stgraph.errors import OptionError
from stgraph.features.detections import Detections

__all__ = ["CLIP_FRAMES", "box_motion", "clip_motion"]

Array = NDArray[np.floating]

CLIP_FRAMES = 16
_REACH = 7  # number of frames that a box is tracked backwards and forwards
_SEEN = (2, 4, 7)  # distances whose motion becomes a feature
_SAMPLES = 16  # per side of the search window
_DIRECTIONS = 8


@checked
def box_motion(
    colours: ColourMap, patches: BoxPatches, detections: Detections, frame_index: NDArray[np.int64]
) -> Array:
    """Tracks the content of each box over the 15 frames around its own by mean shift on its main hue.

    In each frame the window (the box with a margin of 5 pixels) moves to the mean position of its pixels of that hue. Like
    estimated optical flow, it loses occluded objects and may switch to neighbours of the same hue.

    Args:
        colours: All frames of the video.
        patches: Main hue of each box.
        detections: Boxes of the sampled frames.
        frame_index: Position of each sampled frame among all frames.

    Shapes: frame_index ``[T]`` -> ``[N, 30]``: for each of the frames -7, -4, -2, +2, +4, +7 the shift in x and y (in units
        of 6 pixels) and the change of the visible area (4 x its log, in -4..4); then the shift over -4..+4 as 8 directions;
        then the square roots of the shifts over -4..0 and 0..+4, and cosine and sine of the turn.

    Raises:
        OptionError: If ``frame_index`` has another length than the number of sampled frames.

    Reference: Comaniciu and Meer, "Mean shift" (PAMI 2002).
    """
    last = len(colours.hue) - 1
    if len(frame_index) != detections.num_frames:
        raise OptionError(f"'frame_index' must list {detections.num_frames} frames, got {len(frame_index)}.")
    boxes = detections.boxes.numpy()
    own = frame_index[detections.frame.numpy()]
    side = (boxes[:, 2:] - boxes[:, :2]).max(1, initial=0.0) + 10
    steps = side[:, None] * ((np.arange(_SAMPLES, dtype=np.float32) + 0.5) / _SAMPLES - 0.5)

    def shift(centre: Array, frame: NDArray[np.int64]) -> tuple[Array, Array]:
        hue = sample(colours.hue, frame, centre, side, _SAMPLES)
        seen = (hue == patches.hue[:, None, None]) & (hue != NO_HUE)
        columns, rows = seen.sum(1), seen.sum(2)
        area = columns.sum(1)
        step = np.stack([(columns * steps).sum(1), (rows * steps).sum(1)], axis=1)
        step /= np.maximum(area, 1)[:, None]
        return centre + step.astype(np.float32), area.astype(np.float32)

    start, area_now = shift((boxes[:, :2] + boxes[:, 2:]) / 2, own)
    moved, grown = {}, {}
    for sign in (-1, 1):
        centre, area = start, area_now
        for step in range(1, _REACH + 1):
            frame = own + sign * step
            inside = (frame >= 0) & (frame <= last)  # beyond the ends of the video nothing moves
            following, size = shift(centre, np.clip(frame, 0, last))
            centre = np.where(inside[:, None], following, centre)
            area = np.where(inside, size, area)
            if step in _SEEN:
                moved[sign * step], grown[sign * step] = centre - start, np.log((area + 8) / (area_now + 8))
    offsets = [-step for step in reversed(_SEEN)] + list(_SEEN)
    paths = [
        np.concatenate([np.clip(moved[k] / 6, -6, 6), 4 * np.clip(grown[k], -1, 1)[:, None]], axis=1)
        for k in offsets
    ]
    before, after = -moved[-4] / 24, moved[4] / 24
    speed = [np.linalg.norm(way, axis=1) for way in (before, after)]
    norm = speed[0] * speed[1] + 0.01
    turn = [(before * after).sum(1) / norm, (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / norm]
    directions = 4 * _directions(before + after)
    summary = np.stack([3 * np.sqrt(speed[0]), 3 * np.sqrt(speed[1]), *turn], axis=1)
    return np.concatenate([*paths, directions, summary], axis=1).astype(np.float32)


def _directions(way: Array) -> Array:
    """Distributes the length of ``way`` over eight directions, ``[..., 2]`` -> ``[..., 8]``."""
    angle = (np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)).astype(np.float32)
    x, y = np.moveaxis(way, -1, 0)
    reach = 0.7 * np.hypot(x, y)
    along = np.empty((*x.shape, _DIRECTIONS), dtype=np.result_type(way, np.float32))
    for number, (cosine, sine) in enumerate(zip(np.cos(angle), np.sin(angle), strict=True)):
        # One direction at a time: NumPy's inner loops are long then.
        along[..., number] = np.maximum(x * cosine + y * sine - reach, 0) / 0.3  # zero beyond 45 degrees
    return along


@checked
def clip_motion(colours: ColourMap) -> tuple[Array, NDArray[np.int64]]:
    """Motion of each clip of 16 frames as a whole: amount of change per cell and directions of flow.

    Between consecutive frames, on luminances of 4 x 4 pixels, the flow along the gradient is
    :math:`-I_t \\nabla I / (|\\nabla I|^2 + c)`. A shorter last clip uses the frames that it has.

    Shapes: returns motion ``[C, 48]`` (change in 16 cells, then flow in 4 quadrants x 8 directions) and the first frame of
        each clip ``[C]``, with C = ceil(F / 16).
    Reference: our own design, after Lucas and Kanade (1981).
    """
    places = [(y, x) for y in (1, 3) for x in (1, 3)]  # four of every 16 pixels
    grey = np.mean([luminance_of(colours.code[:, y::4, x::4]) for y, x in places], axis=0) / 255
    frames = len(grey)
    start = np.arange(0, frames, CLIP_FRAMES)
    change = np.zeros_like(grey)
    change[:-1] = grey[1:] - grey[:-1]
    change -= np.median(change, axis=(1, 2), keepdims=True)  # removes flicker
    down, right = np.gradient(grey, axis=(1, 2))
    speed = -change / (down**2 + right**2 + 2e-3)
    flow = _directions(np.stack([speed * right, speed * down], axis=-1).astype(np.float32))
    change, flow = _blocks(np.abs(change)[..., None], 4), _blocks(flow, 2)
    parts = [150 * change.reshape(frames, -1), 125 * flow.reshape(frames, -1)]
    steps = np.minimum(start + CLIP_FRAMES, frames - 1) - start  # number of frames that have a successor
    total = np.add.reduceat(np.concatenate(parts, axis=1), start, axis=0)
    return (total / np.maximum(steps, 1)[:, None]).astype(np.float32), start


def _blocks(values: Array, cells: int) -> Array:
    """Means over ``cells`` x ``cells`` blocks, ``[F, H, W, D]`` -> ``[F, cells, cells, D]``."""
    for axis_length, axis in ((values.shape[1], 1), (values.shape[2], 2)):
        share = (np.arange(axis_length) * cells // axis_length == np.arange(cells)[:, None]).astype(
            np.float32
        )
        share /= share.sum(1, keepdims=True)
        values = np.moveaxis(np.tensordot(share, values, axes=(1, axis)), 0, axis)
    return values
