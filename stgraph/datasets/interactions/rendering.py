"""Renders a scene: shaded objects on a drifting textured background, with flicker, a shadow and camera noise."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stgraph.checking import checked
from stgraph.datasets.interactions.scene import (
    FRAME_SIZE,
    NUM_FRAMES,
    Scene,
    generator,
    make_scene,
    parse_video_id,
)
from stgraph.datasets.interactions.vocabulary import KINDS

__all__ = ["render_video"]

_DRIFT = 20  # largest movement of the background in a video, in pixels
_HUES = {"red": 0.0, "yellow": 56.0, "green": 122.0, "cyan": 182.0, "blue": 232.0, "purple": 290.0}  # degrees

Array = NDArray[np.floating]


@checked
def render_video(name: str) -> NDArray[np.uint8]:
    """Renders the frames of a video; the pixels are the same every time.

    Args:
        name: Id of the video, as in the store.

    Shapes: returns uint8 RGB ``[F, H, W, 3]``.

    Raises:
        UnknownVideoError: If ``name`` is not an id of the generated data set.

    >>> render_video("interactions-0-00042").shape
    (40, 128, 128, 3)
    """
    seed, index = parse_video_id(name)
    return draw(make_scene(seed, index), generator(seed, index, "pixels"))


def draw(scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Renders a scene; everything that it doesn't specify is random: background, colours, light and noise."""
    texture, texture_corner = _ground(rng)
    # The patient is drawn over the actor, which hides an actor that enters it; bystanders are drawn over or
    # under both.
    bystanders = rng.permutation(np.arange(2, len(scene.kinds))).tolist()
    order = [*bystanders, 0, 1] if rng.random() < 0.5 else [0, 1, *bystanders]
    sprites = [_sprite(scene, thing, rng) for thing in order]
    shadow, flicker = _light(rng)
    noise, noise_corner = _noise(rng)
    frames = np.empty((NUM_FRAMES, FRAME_SIZE, FRAME_SIZE, 3), dtype=np.uint8)
    # Single frames stay in the processor cache, and colours come first, so that NumPy's inner loops are long.
    for f in range(NUM_FRAMES):
        frame = _window(texture, texture_corner[f]).copy()
        for sprite in sprites:
            sprite.put(frame, f)
        frame *= shadow * flicker[f]
        frame += _window(noise, noise_corner[f])
        frames[f] = np.clip(frame, 0, 255, out=frame).transpose(1, 2, 0)
    return frames


def _window(picture: Array, corner: NDArray[np.int64]) -> Array:
    """Crops a frame ``[3, H, W]`` from a larger image at a corner (y, x)."""
    y, x = corner
    return picture[:, y : y + FRAME_SIZE, x : x + FRAME_SIZE]


@dataclass(frozen=True, eq=False)
class _Sprite:
    """One object in each frame: corner (y, x) ``[F, 2]``, opacity ``[F, S, S]``, colour ``[F, 3, S, S]``."""

    corner: list[list[int]]
    opacity: Array
    colour: Array

    def put(self, frame: Array, f: int) -> None:
        """Blends the object into frame ``f``, clipped at the frame's edges."""
        (top, left), side = self.corner[f], self.opacity.shape[1]
        y, x = (
            slice(max(top, 0), min(top + side, FRAME_SIZE)),
            slice(max(left, 0), min(left + side, FRAME_SIZE)),
        )
        if y.start < y.stop and x.start < x.stop:
            part = slice(y.start - top, y.stop - top), slice(x.start - left, x.stop - left)
            here = frame[:, y, x]
            here += self.opacity[f][part] * (self.colour[f][:, *part] - here)


def _ground(rng: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
    """A dull texture at three scales with a few colourful specks, and the corner of each frame's crop."""
    side = FRAME_SIZE + _DRIFT
    texture = np.zeros((3, side, side), dtype=np.float32)
    for grain, height in ((37, 14.0), (9, 9.0), (3, 6.0)):
        cells = -(-side // grain) + 2
        grey = rng.normal(0, height, size=(cells, cells, 1)) + rng.normal(
            0, 0.18 * height, size=(cells, cells, 3)
        )
        texture += _enlarge(grey.astype(np.float32).transpose(2, 0, 1), grain)[:, :side, :side]
    texture += (rng.uniform(85, 150) + rng.uniform(-7, 7, size=3))[:, None, None]
    yy, xx = np.mgrid[:side, :side]
    for _ in range(rng.poisson(0.6)):
        y, x = rng.uniform(0, side, size=2)
        speck = np.hypot((yy - y) / rng.uniform(0.6, 1.4), xx - x) < rng.uniform(1.5, 4.5)
        colour = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.65))
        texture[:, speck] = 255 * np.array(colour)[:, None]
    angle, speed = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.0) * (_DRIFT / 2 - 1)
    way = np.linspace(-speed, speed, NUM_FRAMES)[:, None] * [np.sin(angle), np.cos(angle)]
    return texture, np.round(_DRIFT / 2 + way).astype(np.int64)


def _enlarge(cells: Array, grain: int) -> Array:
    """Upsamples ``[3, H, W]`` bilinearly by the factor ``grain``."""
    step = ((np.arange(grain) + 0.5) / grain).astype(np.float32)
    colours, _, columns = cells.shape
    down = step[:, None]
    rows = (cells[:, :-1, None] * (1 - down) + cells[:, 1:, None] * down).reshape(colours, -1, columns)
    right = np.tile(step, columns - 1)
    return rows[..., :-1].repeat(grain, 2) * (1 - right) + rows[..., 1:].repeat(grain, 2) * right


def _sprite(scene: Scene, thing: int, rng: np.random.Generator) -> _Sprite:
    kind = KINDS[scene.kinds[thing]]
    centre, radius = scene.centre[thing], scene.radius[thing]
    half = int(np.ceil(radius.max() * 1.1)) + 2
    corner = np.floor(centre[:, ::-1]).astype(np.int64) - half
    offset = np.arange(2 * half + 1, dtype=np.float32)
    y = offset[None, :, None] - (centre[:, 1] - corner[:, 0])[:, None, None].astype(np.float32)
    x = offset[None, None, :] - (centre[:, 0] - corner[:, 1])[:, None, None].astype(np.float32)
    tilt = rng.uniform(-0.15, 0.15) + 0.1 * np.sin(np.linspace(0, rng.uniform(2, 9), NUM_FRAMES))
    c, s = (f(tilt)[:, None, None].astype(np.float32) for f in (np.cos, np.sin))
    shown = np.maximum(radius, 1e-3)[:, None, None].astype(np.float32)
    distance = _distance(kind.shape, (c * x + s * y) / shown, (c * y - s * x) / shown) * shown
    opacity = np.clip(0.5 - distance, 0, 1) * (radius > 0)[:, None, None]
    hue = (_HUES[kind.colour] + rng.uniform(-11, 11)) % 360 / 360
    colour = 255 * np.array(
        colorsys.hsv_to_rgb(hue, rng.uniform(0.5, 0.85), rng.uniform(0.5, 0.95)), dtype=np.float32
    )
    shade = 1 - 0.22 * np.clip((x + y) / (2 * shown), -0.6, 1)
    return _Sprite(corner.tolist(), opacity.astype(np.float32), shade[:, None] * colour[:, None, None])


def _distance(shape: str, x: Array, y: Array) -> Array:
    """Approximate distance to the outline of a shape of radius 1, negative inside; y points down."""
    if shape == "ball":
        return np.hypot(x, y) - 0.95
    if shape == "box":
        return np.maximum(np.abs(x), np.abs(y)) - 0.85
    if shape == "cone":
        return np.maximum(0.89 * np.abs(x) - 0.45 * y - 0.45, y - 0.85)
    if shape == "ring":
        return np.abs(np.hypot(x, y) - 0.74) - 0.26
    if shape == "cross":
        return np.minimum(
            np.maximum(np.abs(x) - 1, np.abs(y) - 0.36), np.maximum(np.abs(y) - 1, np.abs(x) - 0.36)
        )
    if shape == "star":
        return np.hypot(x, y) - (0.72 + 0.3 * np.cos(5 * np.arctan2(x, -y)))
    raise AssertionError(shape)


def _light(rng: np.random.Generator) -> tuple[Array, Array]:
    """A soft, static shadow ``[H, W]`` and the exposure of each frame ``[F]``."""
    yy, xx = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(np.float32)
    y, x = rng.uniform(0, FRAME_SIZE, size=2)
    depth, width = rng.uniform(0.2, 0.75), rng.uniform(14, 28)
    shadow = 1 - depth * np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / (2 * width**2))
    flicker = 1 + 0.04 * rng.standard_normal(NUM_FRAMES)
    flicker[rng.random(NUM_FRAMES) < 0.04] *= rng.uniform(0.4, 0.7)  # some frames are underexposed
    return shadow.astype(np.float32), flicker.astype(np.float32)


def _noise(rng: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
    """Camera noise: one large noise image, and the corner of the crop that each frame uses."""
    sheet = rng.standard_normal((FRAME_SIZE + 24, FRAME_SIZE + 24, 3), dtype=np.float32) * np.float32(
        rng.uniform(3, 7)
    )
    corner = rng.integers(0, 25, size=(NUM_FRAMES, 2))
    return np.ascontiguousarray(sheet.transpose(2, 0, 1)), corner
