import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from stgraph.datasets.interactions import FRAME_SIZE, NUM_FRAMES, make_scene, render_video, video_id
from stgraph.datasets.interactions.pixels import HUE_NAMES, NO_HUE, colour_map
from stgraph.datasets.interactions.vocabulary import KINDS
from stgraph.errors import UnknownVideoError


def test_the_same_name_gives_the_same_pixels():
    first, again, other = (render_video(video_id(0, index)) for index in (5, 5, 6))
    assert first.shape == (NUM_FRAMES, FRAME_SIZE, FRAME_SIZE, 3)
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert (first != other).mean() > 0.5


def test_things_are_drawn_where_the_scene_says_in_their_colour():
    right = total = 0
    for index in range(12):
        scene, hue = make_scene(1, index), colour_map(render_video(video_id(1, index)), 40).hue
        for thing, kind in enumerate(scene.kinds):
            if KINDS[kind].shape != "ring" and thing < 2:
                x, y = np.round(scene.centre[thing]).astype(int).T
                shown = scene.radius[thing] > 6
                seen = hue[np.arange(NUM_FRAMES), y, x][shown]
                right += (seen == HUE_NAMES.index(KINDS[kind].colour)).sum()
                total += shown.sum()
    assert right / total > 0.8  # the rest lies behind others or in shadow


def test_an_actor_that_went_in_is_not_seen():
    for index in range(100):
        scene = make_scene(2, index)
        colours = [KINDS[kind].colour for kind in scene.kinds]
        if scene.radius[0, -1] == 0 and colours.count(colours[0]) == 1:
            hue = colour_map(render_video(video_id(2, index))).hue == HUE_NAMES.index(colours[0])
            assert hue[-1].sum() < 0.3 * hue[0].sum()
            return
    pytest.fail("no video in which a thing goes in")


def test_ground_is_textured_drifts_and_is_mostly_dull():
    frames = render_video(video_id(0, 9))
    grey = frames.mean(-1)
    assert grey[0].std() > 5
    assert (colour_map(frames).hue == NO_HUE).mean() > 0.8
    # The shift at which the textures fit best, without noise (fine) and shadow (coarse).
    texture = [gaussian_filter(grey[f], 1.5) - gaussian_filter(grey[f], 5) for f in (0, 1, -1)]
    first, second, last = np.fft.fft2(texture)
    for later, least, most in ((second, 0, 2), (last, 3, 20)):
        peak = np.unravel_index(np.fft.ifft2(first * later.conj()).real.argmax(), first.shape)
        way = [min(shift, side - shift) for shift, side in zip(peak, first.shape, strict=True)]
        assert least <= np.hypot(*way) <= most


def test_unknown_names_are_refused():
    with pytest.raises(UnknownVideoError, match="not a video of the generated data set"):
        render_video("video12")
