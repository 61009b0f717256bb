"""Attributes of edges and velocities, worked out by hand."""

import math

import pytest
import torch

from stgraph.errors import OptionError, ShapeError
from stgraph.nn import EdgeAttributes, box_motion

# Two videos; track 5 occurs in both. In video 0 it moves 4 right in two frames; a box without track stands still.
BOX = torch.tensor(
    [[0.0, 0, 2, 4], [10, 0, 12, 2], [4, 0, 6, 4], [4, 3, 6, 7], [7, 7, 9, 9], [0, 0, 0, 0]],
    dtype=torch.float32,
)
TRACK = torch.tensor([5, -1, 5, 5, 5, 5])
FRAME = torch.tensor([0, 0, 2, 3, 4, 5])
VIDEO = torch.tensor([0, 0, 0, 0, 1, 1])
UNKNOWN = torch.full((6,), math.nan)


def test_motion_is_per_frame_or_per_second():
    frames = box_motion(BOX, TRACK, FRAME, UNKNOWN, VIDEO)
    assert frames[:4].tolist() == [[0, 0], [0, 0], [2, 0], [0, 3]]
    assert frames[4].tolist() == [0, 0]  # another video's track 5 is another thing
    seconds = box_motion(BOX, TRACK, FRAME, FRAME / 10, VIDEO)
    torch.testing.assert_close(seconds, frames * 10)


def test_two_boxes_of_a_track_in_a_frame_have_the_same_past():
    box = torch.tensor([[0.0, 0, 2, 2], [3, 0, 5, 2], [6, 0, 8, 2]])
    motion = box_motion(
        box, torch.zeros(3).long(), torch.tensor([0, 1, 1]), torch.full((3,), math.nan), torch.zeros(3)
    )
    assert motion.tolist() == [[0, 0], [3, 0], [6, 0]]


def test_every_attribute_by_hand():
    edges = torch.tensor([[0, 0, 2, 4], [1, 2, 3, 5]])
    found = EdgeAttributes()(BOX, edges, TRACK, FRAME, UNKNOWN, VIDEO)
    asinh, log = math.asinh, math.log
    expected = [
        [asinh(10 / 2), asinh(-1 / 4), log(1), log(2 / 4), 0, 0, 0],
        [asinh(4 / 2), 0, 0, 0, asinh(2 / 2), 0, asinh(2)],
        [0, asinh(3 / 4), 0, 0, asinh(-2 / 2), asinh(3 / 4), asinh(1)],
        [0, 0, 0, 0, 0, 0, asinh(1)],  # the box without area has no place, but a time
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))
    chosen = EdgeAttributes(["gap", "position"])
    assert chosen.channels == 3
    torch.testing.assert_close(chosen(BOX, edges, TRACK, FRAME, UNKNOWN, VIDEO), found[:, [6, 0, 1]])


def test_distance_and_approach_by_hand():
    edges = torch.tensor([[0, 2, 1, 4], [1, 3, 2, 5]])
    found = EdgeAttributes(["distance"])(BOX, edges, TRACK, FRAME, UNKNOWN, VIDEO)
    asinh = math.asinh
    scale = (2 * 4 * 2 * 2) ** 0.25
    expected = [
        [asinh(8 / scale), 0],
        [
            0,
            asinh(-3 / 8**0.5),
        ],  # overlapping; the second one moves away by 3 a frame, the first one to the side
        [asinh(4 / scale), 0],
        [0, 0],
    ]
    away = torch.tensor([5.0, 2]) - torch.tensor([11.0, 1])
    expected[2][1] = asinh(float(-(torch.tensor([2.0, 0]) * away).sum() / away.norm()) / scale)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


def test_offset_by_hand_and_in_any_unit():
    edges = torch.tensor([[0, 2, 4], [1, 3, 5]])
    attributes = EdgeAttributes(["offset"])
    found = attributes(BOX, edges, TRACK, FRAME, UNKNOWN, VIDEO)
    scale, asinh = (2 * 4 * 2 * 2) ** 0.25, math.asinh
    expected = [
        [asinh(10 / scale), asinh(-1 / scale), asinh(101**0.5 / scale)],
        [0, asinh(3 / 8**0.5), asinh(3 / 8**0.5)],  # both of 2 x 4
        [0, 0, 0],  # the second box has no area
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))
    torch.testing.assert_close(attributes(BOX * 7, edges, TRACK, FRAME, UNKNOWN, VIDEO), found)
    back = attributes(BOX, edges.flip(0), TRACK, FRAME, UNKNOWN, VIDEO)
    torch.testing.assert_close(back, found * torch.tensor([-1.0, -1, 1]))


@pytest.mark.parametrize("names", [[], ["place"], ["gap", "gap"], "gap"])
def test_wrong_names_are_refused(names):
    with pytest.raises(OptionError, match="'names' must be (some of|a sequence of)"):
        EdgeAttributes(names)


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match="'track' must be"):
        box_motion(BOX, TRACK[:3], FRAME, UNKNOWN, VIDEO)
