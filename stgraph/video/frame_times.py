"""Times of frames from the time stamps that the decoder gives them, as ``ffmpeg`` computes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["frame_times"]

_LARGEST_STEP = 10.0
"""Seconds between frames past which ``ffmpeg`` takes a broadcast's clock to have jumped."""

_USUAL_RATE = 25.0


def frame_times(
    stamps: Sequence[int | None],
    decoding: Sequence[int | None],
    rates: Sequence[float],
    unit: float,
    *,
    jumps: bool = False,
) -> np.ndarray:
    """Computes the seconds from the first frame to each frame.

    Where presentation time stamps are missing or go backwards more often than decoding time stamps, the latter are used.
    Frames without either are placed evenly between their neighbours. Where time goes backwards, the next frame comes
    one usual step after the one before.

    Args:
        stamps: Presentation time stamps in the order in which the frames are shown.
        decoding: Decoding time stamps in the same order.
        rates: Frames per second, the most reliable number first, for files without time stamps; empty if unknown.
        unit: Seconds per unit of the time stamps.
        jumps: Whether the clock may jump forward, as in recorded broadcasts.

    Shapes: stamps, decoding ``[F]`` -> ``[F]``.

    >>> frame_times([0, 3600, None, 10800], [None] * 4, [25.0], 1 / 90_000).round(2).tolist()
    [0.0, 0.04, 0.08, 0.12]
    """
    known = (
        np.array([np.nan if stamp is None else stamp for stamp in _best(stamps, decoding)], dtype=float)
        * unit
    )
    steps = np.diff(known)
    steps = steps[steps > 0]
    step = float(np.median(steps)) if len(steps) else 1 / next(iter(rates), _USUAL_RATE)
    steps = np.diff(_filled(known, step))
    jumped = (steps < 0) | (jumps & (steps > _LARGEST_STEP))
    return np.concatenate([np.zeros(1), np.cumsum(np.where(jumped, step, steps))])


def _best(stamps: Sequence[int | None], decoding: Sequence[int | None]) -> Iterator[int | None]:
    """Chooses for each frame the kind of time stamp that has gone backwards less often so far, as FFmpeg does."""
    faults = {"stamp": 0, "decoding": 0}
    last: dict[str, int] = {}
    for stamp, decoded in zip(stamps, decoding, strict=True):
        for kind, value in (("stamp", stamp), ("decoding", decoded)):
            if value is not None:
                faults[kind] += kind in last and value <= last[kind]
                last[kind] = value
        use_stamp = stamp is not None and (decoded is None or faults["stamp"] <= faults["decoding"])
        yield stamp if use_stamp else decoded


def _filled(known: np.ndarray, step: float) -> np.ndarray:
    """Fills in missing times: between known ones evenly, before and after them at the usual step."""
    place = np.arange(len(known))
    given = place[~np.isnan(known)]
    if len(given) == 0:
        return place * step
    filled = np.interp(place, given, known[given])
    before, after = place < given[0], place > given[-1]
    filled[before] -= (given[0] - place[before]) * step
    filled[after] += (place[after] - given[-1]) * step
    return filled
