import numpy as np
import pytest
import torch

from stgraph.datasets.interactions import KINDS, make_scene, render_video, video_id
from stgraph.datasets.interactions.pixels import BlobDetector
from stgraph.errors import OptionError

RED, BLUE, PALE = (220, 30, 30), (30, 40, 220), (150, 85, 85)


def picture(*patches, frames=1, size=(40, 50)):
    """Grey frames with rectangles (frame, x1, y1, x2, y2, colour)."""
    drawn = np.full((frames, *size, 3), 100, dtype=np.uint8)
    for frame, x1, y1, x2, y2, colour in patches:
        drawn[frame, y1:y2, x1:x2] = colour
    return drawn


def test_boxes_are_the_blobs_own_in_order_of_frames():
    found = BlobDetector()(
        picture((2, 30, 5, 44, 15, RED), (0, 3, 4, 10, 12, BLUE), (2, 1, 20, 9, 33, BLUE), frames=4)
    )
    assert found.frame.tolist() == [0, 2, 2]
    boxes = dict(
        zip(zip(found.frame.tolist(), found.labels.tolist(), strict=True), found.boxes.tolist(), strict=True)
    )
    assert boxes == {(0, 4): [3, 4, 10, 12], (2, 0): [30, 5, 44, 15], (2, 4): [1, 20, 9, 33]}
    assert (found.num_frames, found.size, found.features.shape) == (4, (40, 50), (3, 0))


def test_things_of_one_hue_that_touch_are_one_and_others_are_not():
    assert len(BlobDetector()(picture((0, 5, 5, 15, 15, RED), (0, 15, 9, 25, 19, RED)))) == 1
    assert len(BlobDetector()(picture((0, 5, 5, 15, 15, RED), (0, 15, 9, 25, 19, BLUE)))) == 2
    assert len(BlobDetector()(picture((0, 5, 5, 15, 15, RED), (0, 15, 15, 25, 25, RED)))) == 1  # by a corner
    # The last row of one frame and the first of the next are no neighbours.
    assert len(BlobDetector()(picture((0, 5, 30, 15, 40, RED), (1, 5, 0, 15, 10, RED), frames=2))) == 2


def test_scores_follow_the_formula_and_rank_large_and_colourful_first():
    found = BlobDetector()(picture((0, 2, 2, 12, 12, RED), (0, 20, 2, 25, 7, RED), (0, 2, 20, 12, 30, PALE)))
    areas = ((found.boxes[:, 2] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 1])).numpy()
    chroma = np.where(
        found.boxes[:, 1] == 20, 64, 192
    )  # by the table's steps of 8: (220 -> 220, 30 -> 28), (148, 84)
    np.testing.assert_allclose(
        found.scores, (1 - np.exp(-areas / 50)) * (1 - np.exp(-(chroma - 30) / 30)), rtol=1e-5
    )
    assert found.scores.argmax() == 0


def test_limits():
    many = [(0, x, y, x + 5, y + 5, RED) for y in range(0, 40, 7) for x in range(0, 50, 7)]
    frames = picture(*many)
    assert len(BlobDetector()(frames)) == 36  # of 48
    assert len(BlobDetector(max_objects=3)(frames)) == 3
    assert len(BlobDetector(min_area=26)(frames)) == 0
    assert len(BlobDetector(score_threshold=0.9)(frames)) == 0


def test_dull_frames_give_no_boxes():
    found = BlobDetector()(picture(frames=3))
    assert (len(found), found.num_frames) == (0, 3)


def test_impossible_limits_are_refused():
    with pytest.raises(OptionError, match="'min_chroma'"):
        BlobDetector(min_chroma=20)
    with pytest.raises(OptionError, match="'min_area'"):
        BlobDetector(min_area=0)


SEED, VIDEOS = 11, 60


@pytest.fixture(scope="module")
def seen():
    """Overlap of each visible thing with its best box, whether each box is right, and merges."""
    best, right, merges = [], [], 0
    for index in range(VIDEOS):
        scene = make_scene(SEED, index)
        frames = np.arange(2, 40, 4)
        found = BlobDetector()(render_video(video_id(SEED, index))[frames])
        for position, frame in enumerate(frames):
            radius, centre = scene.radius[:, frame, None], scene.centre[:, frame]
            true = np.clip(np.concatenate([centre - radius, centre + radius], axis=1), 0, 128)
            shown = (radius[:, 0] > 4) & ((true[:, 2:] - true[:, :2]).min(1) > 4)
            boxes = found.boxes[found.frame == position].numpy()
            overlap = iou(true, boxes)
            best += overlap[shown].max(1, initial=0).tolist()
            right += (overlap.max(0, initial=0) >= 0.3).tolist()
            merges += same_hue_merged(scene, true, boxes)
    return np.array(best), np.array(right), merges


def iou(a, b):
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(-1)
    area = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a, b)]
    return both / (area[0][:, None] + area[1][None] - both)


def same_hue_merged(scene, true, boxes):
    """Whether one box holds the centres of two visible things of one colour."""
    centre = (true[:, :2] + true[:, 2:]) / 2
    held = (boxes[:, None, :2] < centre) & (centre < boxes[:, None, 2:])
    colours = np.array([KINDS[kind].colour for kind in scene.kinds])
    return any((colours[row] == colour).sum() > 1 for row in held.all(-1) for colour in set(colours[row]))


def test_generated_things_are_mostly_found_but_not_always(seen):
    best, right, _ = seen
    assert 0.85 <= (best >= 0.5).mean() <= 0.99
    assert 0.01 <= 1 - right.mean() <= 0.20  # colourful ground and pieces of things


def test_boxes_of_generated_things_jitter(seen):
    best, _, _ = seen
    assert 0.55 < np.median(best) < 0.98


def test_generated_things_of_one_colour_are_merged_at_times(seen):
    assert seen[2] >= 1


def test_detections_do_not_depend_on_other_frames():
    frames = render_video(video_id(SEED, 0))[::8]
    together, alone = BlobDetector()(frames), BlobDetector()(frames[2:3])
    torch.testing.assert_close(together.boxes[together.frame == 2], alone.boxes)
    torch.testing.assert_close(together.scores[together.frame == 2], alone.scores)
