"""The content of a video: its objects, their sizes and positions. Models see only the rendered pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stgraph.checking import checked
from stgraph.datasets.interactions.motions import MOTIONS, PairMotion
from stgraph.datasets.interactions.vocabulary import KINDS, VERBS
from stgraph.errors import UnknownVideoError, shown
from stgraph.typing import Natural

__all__ = [
    "FPS",
    "FRAME_SIZE",
    "NUM_FRAMES",
    "Scene",
    "generator",
    "make_scene",
    "parse_video_id",
    "video_id",
]

NUM_FRAMES = 40
FPS = 8.0
FRAME_SIZE = 128  # height and width of a frame in pixels
MAX_OBJECTS = 5
_MARGIN = 13
_BYSTANDERS = (0.4, 0.35, 0.2, 0.05)  # probability of 0, 1, 2, 3
_PREFIX = "interactions"

Array = NDArray[np.float64]


@checked
@dataclass(frozen=True, eq=False)
class Scene:
    """The objects of a video: first the actor, then the patient, then bystanders that pass by or rest.

    Args:
        verb: Index in ``VERBS``.
        kinds: Index in ``KINDS`` of each object.
        centre: Centre of each object in pixels, x to the right and y down.
        radius: Radius of each object in pixels; 0 while it is hidden inside another.

    Shapes: kinds ``[K]``, centre ``[K, F, 2]``, radius ``[K, F]``.
    """

    verb: int
    kinds: NDArray[np.int64]
    centre: Array
    radius: Array


@checked
def video_id(seed: Natural, index: Natural) -> str:
    """Id of a video, from which it can be rendered again.

    >>> video_id(0, 42)
    'interactions-0-00042'
    """
    return f"{_PREFIX}-{seed}-{index:05d}"


@checked
def parse_video_id(name: str) -> tuple[int, int]:
    """Seed and index of a video id.

    >>> parse_video_id("interactions-0-00042")
    (0, 42)
    """
    prefix, _, numbers = name.partition("-")
    seed, _, index = numbers.partition("-")
    if prefix != _PREFIX or len(numbers) > 40 or not (seed.isdecimal() and index.isdecimal()):
        raise UnknownVideoError(
            f"'{shown(name, 60)}' is not a video of the generated data set; an id looks like '{video_id(0, 42)}'."
        )
    return int(seed), int(index)


def generator(seed: int, index: int, purpose: str) -> np.random.Generator:
    """Random generator of a video for one purpose, so that changing one purpose doesn't affect the others."""
    return np.random.default_rng([seed, index, ("scene", "pixels", "sentences").index(purpose)])


@checked
def make_scene(seed: Natural, index: Natural) -> Scene:
    """Draws the content of a video, which depends on ``seed`` and ``index`` alone."""
    rng = generator(seed, index, "scene")
    verb = int(rng.integers(len(VERBS)))
    num_objects = 2 + int(rng.choice(len(_BYSTANDERS), p=_BYSTANDERS))
    kinds = rng.choice(len(KINDS), size=num_objects, replace=False)
    size = rng.uniform(8.0, 11.5, size=num_objects)
    if VERBS[verb].name in ("enter", "leave"):
        size[1] *= 1.25  # room for the actor
    pair = _place_pair(rng, VERBS[verb].name, float(size[0] + size[1]))
    centre = np.stack([pair.actor, pair.patient])
    for _ in range(2, num_objects):
        rests = rng.random() < 0.5
        way = _rest(rng, centre[:2]) if rests else _pass_by(rng)
        centre = np.concatenate([centre, way[None]])
    centre += _wobble(rng, num_objects)
    radius = np.repeat(size[:, None], NUM_FRAMES, axis=1)
    radius[0] *= pair.actor_scale
    return Scene(verb, kinds, centre, radius)


def _place_pair(rng: np.random.Generator, verb: str, reach: float) -> PairMotion:
    """Draws the paths of the pair until they fit into the frame, then places them at random."""
    times = np.linspace(0, 1, NUM_FRAMES)
    while True:
        pair = MOTIONS[verb](rng, times, reach)
        # A jump goes against gravity, so it is only mirrored and tilted a little; other motions are rotated
        # freely.
        angle = rng.uniform(-0.12, 0.12) if verb == "jump" else rng.uniform(0, 2 * np.pi)
        mirror = np.array([rng.choice([-1.0, 1.0]), 1.0])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        ways = np.stack([pair.actor, pair.patient]) * mirror @ turn
        lowest, highest = ways.min((0, 1)), ways.max((0, 1))
        room = FRAME_SIZE - 2 * _MARGIN - (highest - lowest)
        if (room >= 0).all():
            ways += _MARGIN - lowest + rng.random(2) * room
            return PairMotion(ways[0], ways[1], pair.actor_scale)


def _rest(rng: np.random.Generator, pair: Array) -> Array:
    """Rests at the first of eight random places that keeps clear of the pair, or at the clearest."""
    places = rng.uniform(_MARGIN, FRAME_SIZE - _MARGIN, size=(8, 2))
    clear = np.linalg.norm(pair[None] - places[:, None, None], axis=-1).min((1, 2))
    best = int(np.argmax(np.minimum(clear, 26.0)))
    return np.repeat(places[best][None], NUM_FRAMES, axis=0)


def _pass_by(rng: np.random.Generator) -> Array:
    """Crosses the frame on a curved path, sometimes beyond its edge."""
    start, end = rng.uniform(2, FRAME_SIZE - 2, size=(2, 2))
    while np.linalg.norm(end - start) < 50:
        start, end = rng.uniform(2, FRAME_SIZE - 2, size=(2, 2))
    t = np.linspace(0, 1, NUM_FRAMES)[:, None]
    side = (end - start)[::-1] * np.array([-1.0, 1.0]) * rng.uniform(-0.25, 0.25)
    return start + (end - start) * t + 4 * side * t * (1 - t)


def _wobble(rng: np.random.Generator, num_objects: int) -> Array:
    """Small random motion of all objects: two slow waves of up to a pixel."""
    t = np.linspace(0, 1, NUM_FRAMES)[None, :, None]
    wave = np.zeros((num_objects, NUM_FRAMES, 2))
    for _ in range(2):
        height = rng.uniform(0.2, 0.9, size=(num_objects, 1, 2))
        rate = rng.uniform(1, 4, size=(num_objects, 1, 2))
        phase = rng.uniform(0, 1, size=(num_objects, 1, 2))
        wave += height * np.sin(2 * np.pi * (rate * t + phase))
    return wave
