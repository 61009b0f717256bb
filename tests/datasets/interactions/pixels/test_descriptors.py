from dataclasses import replace

import numpy as np
import pytest
import torch

from stgraph import Detections
from stgraph.datasets.interactions.pixels import (
    NO_HUE,
    BlobDetector,
    box_appearance,
    box_geometry,
    box_patches,
    colour_map,
    frame_appearance,
)

RED, BLUE = (220, 30, 30), (30, 40, 220)
SIZE = 64


def drawn(*things, frames=1):
    """Grey frames with things (frame, shape, x, y, radius, colour)."""
    picture = np.full((frames, SIZE, SIZE, 3), 100, dtype=np.uint8)
    yy, xx = np.mgrid[:SIZE, :SIZE]
    for frame, shape, x, y, radius, colour in things:
        far = np.hypot(xx - x, yy - y) if shape == "ball" else np.maximum(abs(xx - x), abs(yy - y))
        picture[frame][(far <= radius) & ((shape != "ring") | (far > radius / 2))] = colour
    return picture


def described(frames):
    colours = colour_map(frames)
    found = BlobDetector().detect(colours)
    return box_appearance(box_patches(colours, found), found), found


def test_frame_appearance_of_one_square():
    frames = drawn((0, "box", 23, 39, 7, RED))  # 15 x 15 pixels: x 16..30, y 32..46, all in column 1, row 2
    row = frame_appearance(colour_map(frames))[0]
    cells, turn, area, _, grey = np.split(row, [96, 144, 150, 156])
    expected = np.zeros((6, 4, 4))
    expected[0, 2, 1] = 8 * np.sqrt(225 / 256)
    np.testing.assert_allclose(cells.reshape(6, 4, 4), expected, atol=1e-6)
    np.testing.assert_allclose(area, [16 * np.sqrt(225 / 4096), 0, 0, 0, 0, 0], atol=1e-6)
    directions = turn.reshape(6, 8)
    assert directions[1:].sum() == 0
    np.testing.assert_allclose(directions[0, ::2], directions[0, 0], rtol=1e-5)  # four equal sides
    assert directions[0, 0] > 5 * directions[0, 1]
    assert grey[0] == pytest.approx(8 * (100 / 255 - 0.4), abs=0.15)


def test_directions_tell_a_ball_from_a_box_of_the_same_area():
    ball, box = (
        frame_appearance(colour_map(drawn((0, shape, 32, 32, radius, BLUE))))[0, 96:144].reshape(6, 8)[4]
        for shape, radius in (("ball", 10), ("box", 9))
    )
    assert ball.max() / ball.min() < 1.6
    assert box.max() / box.min() > 4


def test_frames_are_described_one_by_one():
    frames = np.random.default_rng(0).integers(0, 256, size=(3, SIZE, SIZE, 3), dtype=np.uint8)
    together = frame_appearance(colour_map(frames))
    alone = [frame_appearance(colour_map(frames[t : t + 1]))[0] for t in range(3)]
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-6)


def test_box_appearance_goes_with_a_thing_that_moves():
    frames = drawn(
        (0, "ball", 20, 20, 9, RED), (1, "ball", 41, 33, 9, RED), (2, "box", 30, 30, 9, BLUE), frames=3
    )
    features, _ = described(frames)
    np.testing.assert_allclose(features[0], features[1], atol=0.3)
    assert np.abs(features[0] - features[2]).max() > 2


def test_box_appearance_shows_shape_and_colour():
    features, _ = described(drawn((0, "box", 15, 15, 9, RED), (0, "ring", 45, 45, 9, BLUE)))
    box, ring = features
    assert box[:24].argmax() == 0
    assert ring[:24].argmax() == 16  # 237 degrees in steps of 15
    middle = 24 + 12
    assert box[middle] > 1.9 > -1.9 > ring[middle]
    fill = 24 + 25 + 8 + 2
    assert box[fill] > 1.8 > ring[fill] > -0.6


def test_any_boxes_can_be_described():
    colours = colour_map(drawn((0, "ball", 20, 20, 9, RED)))
    given = Detections(
        boxes=[[-5.0, -5.0, 8.0, 9.0], [10.5, 11.0, 30.0, 30.2]],
        scores=[1.0, 1.0],
        features=torch.zeros(2, 0),
        frame=[0, 0],
        num_frames=1,
        size=(SIZE, SIZE),
    )
    patches = box_patches(colours, given)
    assert patches.hue.tolist() == [NO_HUE, 0]
    features = box_appearance(patches, given)
    assert np.isfinite(features).all()
    assert features[0, :24].sum() == 0 < features[1, :24].sum()
    none = given.select(torch.zeros(0, dtype=torch.long))
    assert box_appearance(box_patches(colours, none), none).shape == (0, 61)
    assert box_geometry(none).shape == (0, 29)


def test_geometry_bins_lie_around_the_value():
    _, found = described(drawn((0, "box", 32, 5, 4, RED)))
    row = box_geometry(found)[0]
    np.testing.assert_allclose(row[:5], found.geometry()[0])
    centres = np.linspace(0.06, 0.94, 8)
    for bins, value in ((row[5:13], row[0]), (row[13:21], row[1])):
        np.testing.assert_allclose(bins, 2.5 * np.exp(-32 * (value - centres) ** 2), rtol=1e-4, atol=1e-7)
    moved = replace(found, boxes=found.boxes + torch.tensor([20.0, 0, 20.0, 0]))
    assert box_geometry(moved)[0, 5:13].argmax() > row[5:13].argmax()
