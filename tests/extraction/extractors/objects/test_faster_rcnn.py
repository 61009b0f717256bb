from functools import partial

import pytest
import torch
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights, fasterrcnn_resnet50_fpn_v2

from stgraph.errors import OptionError
from stgraph.extraction.extractors.objects import FasterRCNN, two_stage
from stgraph.extraction.extractors.registry import make_extractor
from stgraph.extraction.extractors.weights import load_network
from tests.reference.roi_align import max_roi_features

SIDE = 32
SETTINGS = {"weights": "random", "score_threshold": 0.0, "min_size": SIDE}


def picture(height, width, seed=0):
    return torch.randint(0, 256, (1, height, width, 3), dtype=torch.uint8, generator=torch.manual_seed(seed))


def extract(extractor, *pictures):
    return [each["object"] for each in extractor.extract([extractor.preprocess(p) for p in pictures])]


@pytest.fixture(scope="module")
def detector():
    return make_extractor("faster_rcnn", SETTINGS)


@pytest.fixture(scope="module")
def plain():
    """torchvision's unmodified model with the same number of boxes."""
    build = partial(fasterrcnn_resnet50_fpn_v2, weights=None, weights_backbone=None)
    settings = {"min_size": SIDE, "box_score_thresh": 0.0, "box_detections_per_img": 36}
    return load_network(lambda: build(**settings), "random")[0]


FRAME = picture(96, 128)


@pytest.fixture(scope="module")
def found(detector):
    return extract(detector, FRAME)[0]


def test_boxes_scores_and_labels_are_torchvisions(found, plain):
    with torch.inference_mode():
        expected = plain([FRAME[0].permute(2, 0, 1) / 255])[0]
    assert len(found.boxes) == 36
    torch.testing.assert_close(found.boxes, expected["boxes"], atol=1e-3, rtol=0)
    torch.testing.assert_close(found.scores, expected["scores"])
    assert torch.equal(found.labels, expected["labels"])
    assert found.track is None


def test_a_large_frame_is_resized_before_it_waits(detector, found, monkeypatch):
    monkeypatch.setattr(two_stage, "LARGEST_WAITING", 0)
    waiting = detector.preprocess(FRAME)
    assert waiting.image.shape == (3, SIDE, SIDE * 128 // 96)
    (objects,) = [each["object"] for each in detector.extract([waiting])]
    for name in ("boxes", "scores", "features"):
        assert getattr(objects, name).equal(getattr(found, name))
    resized = detector.network.transform([FRAME[0].permute(2, 0, 1) / 255])[0].tensors[0]
    torch.testing.assert_close(waiting.image, resized[:, :SIDE, : SIDE * 128 // 96], atol=1e-6, rtol=0)


def test_boxes_lie_in_the_frame_best_first(found):
    x1, y1, x2, y2 = found.boxes.unbind(1)
    assert bool((x1 < x2).all() and (y1 < y2).all())
    assert bool((found.boxes >= 0).all() and (x2 <= 128).all() and (y2 <= 96).all())
    assert bool((found.scores[1:] <= found.scores[:-1]).all())


def last_stage(plain):
    """The backbone's last feature map of the frame, computed with torchvision's own parts."""
    with torch.inference_mode():
        batch, _ = plain.transform([FRAME[0].permute(2, 0, 1) / 255])
        assert batch.image_sizes == [(SIDE, 42)]
        return plain.backbone.body(batch.tensors)["3"][0]


def test_roi_features_are_the_last_stages_inside_the_boxes(found, plain):
    cells = last_stage(plain)
    seen = found.boxes.double() * torch.tensor([42 / 128, SIDE / 96] * 2).double()
    expected = torch.from_numpy(max_roi_features(cells, seen, 32)).float()
    assert expected.shape == (36, 2048)
    torch.testing.assert_close(found.features, expected, atol=1e-4 * float(cells.abs().max()), rtol=1e-4)


def test_fc_features_are_what_the_scores_of_the_boxes_come_from(plain):
    """Features are pooled at the detected boxes, not at the proposals: torchvision's box head on torchvision's pooling."""
    detector = FasterRCNN(**SETTINGS, features="fc", max_boxes=8)
    found = extract(detector, FRAME)[0]
    with torch.inference_mode():
        batch, _ = plain.transform([FRAME[0].permute(2, 0, 1) / 255])
        maps = plain.backbone(batch.tensors)
        boxes = found.boxes * torch.tensor([42 / 128, SIDE / 96] * 2)
        expected = plain.roi_heads.box_head(plain.roi_heads.box_roi_pool(maps, [boxes], batch.image_sizes))
    assert found.features.shape == (8, 1024)
    torch.testing.assert_close(found.features, expected, atol=1e-3 * float(expected.max()), rtol=1e-3)
    empty = extract(detector, picture(1, 3000))[0]
    assert (empty.boxes.shape, empty.features.shape) == ((0, 4), (0, 1024))


def test_what_is_seen_does_not_depend_on_the_pictures_beside_it(detector, found):
    others = [picture(96, 128, seed=1), picture(70, 130, seed=2)]
    first, small, again = extract(detector, others[0], others[1], FRAME)
    for got, alone in ((again, found), (small, extract(detector, others[1])[0])):
        torch.testing.assert_close(got.boxes, alone.boxes, atol=1e-3, rtol=0)
        torch.testing.assert_close(got.scores, alone.scores, atol=1e-5, rtol=0)
        assert torch.equal(got.labels, alone.labels)
        torch.testing.assert_close(got.features, alone.features, rtol=1e-4, atol=1e-3)
    assert not torch.allclose(first.scores, again.scores)


def test_nor_on_a_flat_picture_before_it():
    """torchvision infers the scales of its feature maps from the first image, in which nothing is found here."""
    strict = FasterRCNN("random", min_size=SIDE, score_threshold=1.0)
    objects = extract(strict, picture(4, 1333))[0]
    assert (objects.boxes.shape, objects.scores.shape) == ((0, 4), (0,))
    assert (objects.features.shape, objects.labels.shape) == ((0, 2048), (0,))
    assert strict.network.roi_heads.box_roi_pool.scales == [1 / 4, 1 / 8, 1 / 16, 1 / 32]


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (33, 51)])
def test_odd_sizes(detector, size):
    found = extract(detector, picture(*size))[0]
    height, width = size
    assert bool((found.boxes[:, :2] < found.boxes[:, 2:]).all())
    assert bool((found.boxes[:, 2:] <= torch.tensor([width, height])).all())
    assert found.features.shape == (len(found.boxes), 2048)
    assert bool(torch.isfinite(found.features).all())


def test_a_picture_that_vanishes_when_resized_has_no_objects(detector):
    objects = extract(detector, picture(1, 3000))[0]
    assert (objects.boxes.shape, objects.features.shape, objects.labels.shape) == ((0, 4), (0, 2048), (0,))
    assert detector.extract([]) == []


def test_limits(detector, found):
    few = FasterRCNN(**{**SETTINGS, "score_threshold": float(found.scores[5])}, max_boxes=36)
    assert torch.equal(extract(few, FRAME)[0].scores, found.scores[:5])


def test_it_says_what_it_is(detector):
    names = FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT.meta["categories"]
    assert list(detector.label_names) == names
    assert (names[1], len(names)) == ("person", 91)
    assert detector.streams == ("object",)
    assert list(detector.versions) == ["torchvision"]
    assert "+" not in detector.versions["torchvision"]
    assert detector.weights.startswith("sha256:")


def test_weights_of_a_file(detector, found, tmp_path):
    state = detector.network.state_dict()
    changed = {name: value + 1 if name.endswith("cls_score.bias") else value for name, value in state.items()}
    changed["roi_heads.box_predictor.cls_score.bias"][44] -= 5
    torch.save(changed, tmp_path / "own.pt")
    other = FasterRCNN(**{**SETTINGS, "weights": str(tmp_path / "own.pt")})
    assert other.weights != detector.weights
    assert 44 in found.labels
    assert not torch.equal(extract(other, FRAME)[0].labels, found.labels)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"features": "pool"}, "'features' must be 'roi' or 'fc', got 'pool'"),
        ({"max_boxes": 0}, "'max_boxes'"),
        ({"score_threshold": 2}, "'score_threshold'"),
        ({"min_size": 0}, "'min_size'"),
    ],
)
def test_values_that_are_not_allowed(settings, named):
    with pytest.raises(OptionError, match=named):
        FasterRCNN("random", **settings)
