import numpy as np
import pytest

from stgraph import Detections
from stgraph.datasets.interactions.pixels import (
    BlobDetector,
    box_motion,
    box_patches,
    clip_motion,
    colour_map,
)
from stgraph.errors import OptionError

RED, GREEN = (220, 30, 30), (30, 200, 40)
FRAMES, SIZE = 20, 96
INDEX = np.array([4, 10, 15])


def moving(*things):
    """Grey frames with squares (way [F, 2], half side [F], colour)."""
    picture = np.full((FRAMES, SIZE, SIZE, 3), 100, dtype=np.uint8)
    yy, xx = np.mgrid[:SIZE, :SIZE]
    for way, half, colour in things:
        for t in range(FRAMES):
            picture[t][(abs(xx - way[t, 0]) <= half[t]) & (abs(yy - way[t, 1]) <= half[t])] = colour
    return picture


def line(x, y, dx, dy):
    return np.array([x, y]) + np.arange(FRAMES)[:, None] * np.array([dx, dy])


def motions(frames, index=INDEX):
    colours = colour_map(frames)
    found = BlobDetector().detect(colours.select(index))
    patches = box_patches(colours.select(index), found)
    return box_motion(colours, patches, found, index), found


SAME = np.full(FRAMES, 6)


def test_shifts_are_those_of_what_is_in_the_box():
    values, found = motions(moving((line(12, 70, 3, -2), SAME, RED), (line(70, 75, 0, 0), SAME, GREEN)))
    for row, label in zip(values, found.labels.tolist(), strict=True):
        velocity = np.array([3, -2]) if label == 0 else np.zeros(2)
        shifts = row[:18].reshape(6, 3)
        steps = np.array([-4, -2, 2, 4])  # of 7, the video's ends cut some
        np.testing.assert_allclose(shifts[[1, 2, 3, 4], :2], steps[:, None] * velocity / 6, atol=0.2)
        np.testing.assert_allclose(shifts[[1, 2, 3, 4], 2], 0, atol=1)  # 16 samples a side are coarse


def test_at_the_ends_a_video_stands_still():
    values, _ = motions(moving((line(12, 70, 3, -2), SAME, RED)), np.array([4, 19]))
    np.testing.assert_allclose(values[1, 9:18].reshape(3, 3), 0, atol=0.2)  # after the last frame
    np.testing.assert_allclose(values[0, :2], values[0, 3:5], atol=0.2)  # 7 before is before the first frame


def test_directions_point_where_the_thing_goes():
    for angle in range(8):
        way = 2.2 * np.array([np.cos(angle * np.pi / 4), np.sin(angle * np.pi / 4)])
        start = np.array([48, 48]) - 10 * way
        values, _ = motions(moving((line(*start, *way), SAME, RED)), np.array([10]))
        assert values[0, 18:26].argmax() == angle
        opposite = values[0, 18 + (angle + 4) % 8]
        assert opposite < 0.1


def test_turning_shows():
    there_and_back = line(20, 48, 3, 0)
    there_and_back[10:] = there_and_back[10::-1][: FRAMES - 10]
    values, _ = motions(moving((there_and_back, SAME, RED)), np.array([10]))
    straight, _ = motions(moving((line(20, 48, 3, 0), SAME, RED)), np.array([10]))
    assert values[0, 28] < -0.8
    assert straight[0, 28] > 0.8


def test_growing_shows():
    half = np.linspace(3, 9, FRAMES).round()
    values, _ = motions(moving((line(48, 48, 0, 0), half, RED)), np.array([10]))
    growth = values[0, :18].reshape(6, 3)[:, 2]
    assert (np.diff(growth) >= 0).all()
    assert growth[0] < -1.2 < 1.2 < growth[-1]


def test_frames_must_be_named():
    frames = moving((line(48, 48, 0, 0), SAME, RED))
    colours = colour_map(frames)
    found = BlobDetector().detect(colours.select(INDEX))
    with pytest.raises(OptionError, match="must list 3 frames, got 2"):
        box_motion(colours, box_patches(colours.select(INDEX), found), found, INDEX[:2])


def test_clips_show_where_something_moves_and_which_way():
    still, start = clip_motion(colour_map(moving((line(20, 70, 0, 0), SAME, GREEN))))
    assert start.tolist() == [0, 16]
    np.testing.assert_allclose(still, 0, atol=1e-6)
    right, _ = clip_motion(colour_map(moving((line(20, 70, 1, 0), SAME, GREEN))))
    change, flow = right[0, :16].reshape(4, 4), right[0, 16:].reshape(2, 2, 8)
    assert change[2:].sum() > 20 * change[:2].sum()  # y 70 of 96: the lower half
    assert flow[1, 0].argmax() == 0  # to the right, lower left quarter
    assert flow[1, 0, 0] > 5 * flow[1, 0, 4]


def test_a_short_last_clip_is_a_mean_as_well():
    values, start = clip_motion(colour_map(moving((line(20, 70, 1, 0), SAME, GREEN))))
    assert len(start) == 2
    np.testing.assert_allclose(values[1].sum(), values[0].sum(), rtol=0.25)


def test_colours_cannot_be_told_from_clips():
    """Which thing it was stays with the objects: equal luminance, other hue, same motion vector."""
    ways = line(20, 70, 1, 0)
    first, second = (
        clip_motion(colour_map(moving((ways, SAME, colour))))[0]
        for colour in ((244, 140, 140), (116, 196, 188))
    )
    np.testing.assert_allclose(first, second, atol=0.15 * first.max())


def test_a_box_without_a_hue_has_no_motion():
    colours = colour_map(moving((line(12, 70, 3, -2), SAME, RED)))
    given = Detections(
        boxes=[[60, 10, 80, 30]],
        scores=[1],
        features=np.zeros((1, 0)),
        frame=[1],
        num_frames=3,
        size=(SIZE, SIZE),
    )
    patches = box_patches(colours.select(INDEX), given)
    values = box_motion(colours, patches, given, INDEX)
    np.testing.assert_array_equal(values, np.zeros((1, 30)))
