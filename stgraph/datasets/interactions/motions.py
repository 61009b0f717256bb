"""Motion of the interacting pair: one function per verb returns the paths of actor and patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOTIONS", "PairMotion"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairMotion:
    """Paths of actor and patient in pixels, x to the right and y down, with an arbitrary origin.

    Shapes: actor, patient ``[F, 2]``; actor_scale ``[F]``, 1 at full size and 0 while the actor is invisible.
    """

    actor: Array
    patient: Array
    actor_scale: Array


def _ease(t: Array, start: float, end: float) -> Array:
    """Smooth step from 0 at ``start`` to 1 at ``end``."""
    s = np.clip((t - start) / (end - start), 0, 1)
    return s * s * (3 - 2 * s)


def _line(x: Array, y: Array | float = 0.0) -> Array:
    return np.stack([x, np.broadcast_to(np.asarray(y, dtype=np.float64), x.shape)], axis=1)


def _still(t: Array) -> Array:
    return np.zeros((len(t), 2))


def _turned(way: Array, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return way @ np.array([[c, s], [-s, c]])


def _chase(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """Both run along one curve; the actor follows and catches up."""
    first, last = reach * rng.uniform(1.9, 2.3), reach * rng.uniform(1.15, 1.4)
    patient = first + rng.uniform(65, 100) * t ** rng.uniform(0.85, 1.15)
    actor = patient - (first + (last - first) * _ease(t, 0.0, rng.uniform(0.7, 1.0)))
    bend = rng.choice([-1, 1]) * rng.uniform(0.003, 0.022)

    def curve(s: Array) -> Array:
        return _line(np.sin(bend * s) / bend, (1 - np.cos(bend * s)) / bend)

    return PairMotion(curve(actor), curve(patient), np.ones_like(t))


def _flee(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """The patient approaches a resting actor, which runs away; the patient stops following."""
    far, near = reach * rng.uniform(2.0, 2.5), reach * rng.uniform(1.2, 1.4)
    alarm = rng.uniform(0.25, 0.4)
    patient = (
        -far + (far - near) * _ease(t, 0.0, alarm + 0.1) + rng.uniform(0, 8) * _ease(t, alarm + 0.1, 1.0)
    )
    run = rng.uniform(48, 70) * _ease(t, alarm, rng.uniform(0.8, 1.05))
    return PairMotion(_turned(_line(run), rng.uniform(-0.6, 0.6)), _line(patient), np.ones_like(t))


def _push(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """The actor approaches the resting patient and pushes it along."""
    touch = rng.uniform(0.25, 0.4)
    start = reach * rng.uniform(1.8, 2.3)
    way = rng.uniform(38, 58) * _ease(t, touch, rng.uniform(0.85, 1.05))
    actor = -start + (start - reach) * np.clip(t / touch, 0, 1) + way
    return PairMotion(_line(actor), _line(way), np.ones_like(t))


def _jump(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """The actor runs up at the patient's level, leaps over it and lands behind it; up is upwards in the frame."""
    before, after = reach * rng.uniform(1.6, 2.2), reach * rng.uniform(1.6, 2.2)
    x = -before + (before + after) * _ease(t, rng.uniform(0, 0.15), rng.uniform(0.8, 1.0))
    span = reach * rng.uniform(1.2, 1.5)
    height = reach * rng.uniform(1.25, 1.6)
    y = -height * np.clip(1 - (x / span) ** 2, 0, None)
    return PairMotion(_line(x, y), _still(t), np.ones_like(t))


def _enter(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """The actor moves into the resting patient and disappears."""
    start, end = rng.uniform(0.0, 0.2), rng.uniform(0.6, 0.85)
    distance = reach * rng.uniform(2.0, 2.9) * (1 - _ease(t, start, end))
    scale = np.clip(distance / (0.75 * reach), 0.0, 1.0)
    return PairMotion(_line(-distance), _still(t), np.where(scale > 0.3, scale, 0.0))


def _leave(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """The actor comes out of the resting patient and moves away."""
    inside = _enter(rng, 1 - t, reach)
    return PairMotion(inside.actor, inside.patient, inside.actor_scale)


def _circle(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """The actor circles the patient about once."""
    turns = rng.choice([-1, 1]) * rng.uniform(0.9, 1.4)
    radius = reach * rng.uniform(1.2, 1.6)
    angle = 2 * np.pi * turns * t
    drift = _line(rng.uniform(0, 12) * t)
    return PairMotion(drift + radius * _line(np.cos(angle), np.sin(angle)), drift, np.ones_like(t))


def _meet(rng: np.random.Generator, t: Array, reach: float) -> PairMotion:
    """Both approach each other, the actor from further away, and stay side by side."""
    gap, share = rng.uniform(48, 68), rng.uniform(0.6, 0.75)
    near = _ease(t, rng.uniform(0.0, 0.15), rng.uniform(0.6, 0.85))
    beside = 1.05 * reach
    return PairMotion(
        _line(share * gap * near), _line(beside + gap - (1 - share) * gap * near), np.ones_like(t)
    )


Motion = Callable[[np.random.Generator, Array, float], PairMotion]

# By verb: (rng, times in 0..1 [F], distance in pixels at which both touch) -> paths.
MOTIONS: dict[str, Motion] = {
    "chase": _chase,
    "flee": _flee,
    "push": _push,
    "jump": _jump,
    "enter": _enter,
    "leave": _leave,
    "circle": _circle,
    "meet": _meet,
}
