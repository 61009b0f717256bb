from dataclasses import replace

import pytest
import torch

from stgraph.errors import DataError, OptionError
from stgraph.features.adapters import from_torchvision_dicts, to_torchvision_dicts
from tests.features.adapters.samples import SAMPLED, SIZE, assert_same, random_detections


def test_there_and_back():
    video = random_detections()
    dicts = to_torchvision_dicts(video)
    assert [len(entry["boxes"]) for entry in dicts] == video.frame.bincount(minlength=4).tolist()
    assert len(dicts[1]["boxes"]) == 0
    assert_same(from_torchvision_dicts(dicts, SIZE, sampled=SAMPLED, fps=25.0), video)


def test_without_numbers_of_the_file_there_are_none():
    video = random_detections()
    back = from_torchvision_dicts(to_torchvision_dicts(video), SIZE)
    assert_same(back, video, but=("frame_index", "time"))
    assert back.frame_index is None
    assert back.time is None


def test_what_a_detector_of_torchvision_returns():
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    torch.manual_seed(0)
    detector = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, score_thresh=0.0).eval()
    with torch.inference_mode():
        outputs = detector([torch.rand(3, 120, 160), torch.rand(3, 120, 160)])
    video = from_torchvision_dicts(outputs, SIZE)
    assert video.num_frames == 2
    assert len(video) == sum(len(output["boxes"]) for output in outputs) > 0
    for number, output in enumerate(outputs):
        of_frame = video.frame == number
        assert torch.equal(video.boxes[of_frame], output["boxes"])
        assert torch.equal(video.scores[of_frame], output["scores"])
        assert torch.equal(video.labels[of_frame], output["labels"])
    torch.testing.assert_close(video.features, video.geometry())


def test_only_boxes_are_needed():
    video = from_torchvision_dicts(
        [{"boxes": []}, {"boxes": [[1, 2, 5, 9]]}, {"boxes": torch.zeros(0, 4)}], SIZE
    )
    assert (video.num_frames, video.frame.tolist()) == (3, [1])
    assert (video.scores.tolist(), video.labels.tolist(), video.track.tolist()) == ([1.0], [-1], [-1])


def test_frames_without_boxes_need_no_features():
    full = {"boxes": [[1, 2, 5, 9]], "features": [[1.0, 2.0, 3.0]]}
    assert from_torchvision_dicts([{"boxes": []}, full], SIZE).features.tolist() == [[1.0, 2.0, 3.0]]
    nothing = [{"boxes": []}, {"boxes": torch.zeros(0, 4), "features": torch.zeros(0, 3)}]
    assert from_torchvision_dicts(nothing, SIZE).num_features == 3


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"scores": [0.5]}, "Entry 1 has no 'boxes'"),
        ({"boxes": [[5, 5, 1, 9]]}, "Entry 1: 'boxes' must have x1 < x2"),
        ({"boxes": [[1, 2, 5, float("nan")]]}, "Entry 1: 'boxes' must be finite"),
        ({"boxes": [[1, 2, 5, 9]], "scores": [0.5, 0.6]}, r"Entry 1: 'scores' must be \[N=1\], got \[2\]"),
        ({"boxes": [[1, 2, 5]]}, "Entry 1: 'boxes' must be"),
        ({"boxes": [[1, 2, 5, 9]]}, "Entry 1: 'features' must be 2 wide as in entry 0, got none"),
        ({"boxes": [[1, 2, 5, 9]], "features": [[1.0]]}, "must be 2 wide as in entry 0, got 1"),
        ({"boxes": [[200, 2, 250, 9]]}, "Entry 1: 'boxes' must overlap the image"),
    ],
)
def test_a_broken_entry_is_named(entry, message):
    whole = {"boxes": [[1, 2, 5, 9]], "features": [[1.0, 2.0]]}
    with pytest.raises(DataError, match=message):
        from_torchvision_dicts([whole, entry], SIZE)


def test_wrong_numbers_of_frames():
    with pytest.raises(DataError, match="got 1 numbers for 2 entries"):
        from_torchvision_dicts([{"boxes": []}] * 2, SIZE, sampled=[3])
    with pytest.raises(DataError, match="must increase"):
        from_torchvision_dicts([{"boxes": []}] * 2, SIZE, sampled=[3, 3])
    with pytest.raises(DataError, match="got none"):
        from_torchvision_dicts([], SIZE)
    with pytest.raises(OptionError, match="'fps' needs 'sampled'"):
        from_torchvision_dicts([{"boxes": []}], SIZE, fps=25.0)


def test_keypoints_and_masks_there_and_back():
    video = replace(
        random_detections(num_boxes=5), keypoints=torch.rand(5, 2, 3), masks=torch.rand(5, *SIZE) > 0.5
    )
    dicts = to_torchvision_dicts(video)
    assert dicts[0]["masks"].shape[1:] == (1, *SIZE)
    assert from_torchvision_dicts(dicts, SIZE).masks is None
    assert_same(from_torchvision_dicts(dicts, SIZE, masks=True, sampled=SAMPLED, fps=25.0), video)
