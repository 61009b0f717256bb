import pytest
import torch

from stgraph.errors import OptionError
from stgraph.extraction.extractors.objects.box_postprocessing import check_limits, groups, postprocess_boxes
from stgraph.extraction.extractors.protocol import FrameObjects


def objects(boxes, scores):
    n = len(boxes)
    return FrameObjects(
        torch.tensor(boxes, dtype=torch.float32),
        torch.tensor(scores),
        torch.arange(float(n))[:, None],
        labels=torch.arange(n) + 10,
        track=torch.arange(n) + 20,
    )


def test_boxes_are_clipped_and_those_without_area_in_the_frame_go():
    found = objects(
        [[-5, -5, 10, 10], [30, 10, 50, 30], [40, 5, 60, 9], [5, -9, 9, 0], [7, 7, 7, 9], [9, 9, 8, 12]],
        [0.5] * 6,
    )
    left = postprocess_boxes(found, (20, 40), 36, 0.05)
    assert left.boxes.tolist() == [[0, 0, 10, 10], [30, 10, 40, 20]]
    assert left.features[:, 0].tolist() == [0, 1]


def test_the_best_come_first_and_of_equal_ones_the_earlier():
    box = [0, 0, 4, 4]
    found = objects([box] * 6, [0.3, 0.9, 0.05, 0.3, 0.04, 0.3])
    left = postprocess_boxes(found, (8, 8), 4, 0.05)
    assert left.features[:, 0].tolist() == [1, 0, 3, 5]
    assert left.labels.tolist() == [11, 10, 13, 15]
    assert left.track.tolist() == [21, 20, 23, 25]
    assert postprocess_boxes(found, (8, 8), 36, 0.05).features[:, 0].tolist() == [
        1,
        0,
        3,
        5,
        2,
    ]  # 0.05 itself is kept


def test_groups_hold_equal_keys_and_every_position_once():
    keys = [(2, 3), (3, 2), (2, 3), (2, 3), (3, 2)]
    assert list(groups(keys, 2)) == [[0, 2], [3], [1, 4]]
    assert list(groups([], 2)) == []


@pytest.mark.parametrize("limits", [(0, 0.05), (36, -0.1), (36, 1.5), (36, float("nan"))])
def test_limits_that_no_box_meets_are_refused(limits):
    with pytest.raises(OptionError, match="must"):
        check_limits(*limits)
