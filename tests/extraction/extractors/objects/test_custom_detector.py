import hashlib

import numpy as np
import pytest
import torch

from stgraph.errors import DataError, OptionError
from stgraph.extraction.extractors.objects import CustomDetector, wrap_detector
from stgraph.extraction.extractors.registry import make_extractor, record_of

SMALL = {"features_weights": "random", "side": 64}
BARE = {"features": None}


def frames(*sizes):
    seed = torch.manual_seed(0)
    return [torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8, generator=seed) for size in sizes]


def extract(extractor, pictures):
    return [each["object"] for each in extractor.extract([extractor.preprocess(p) for p in pictures])]


def quarters(pictures):
    """Detects the upper left quarter of each frame, scored by its mean red, and a box beyond it; none in flat frames."""
    results = []
    for picture in pictures:
        height, width, _ = picture.shape
        if height == 1:
            results.append({"boxes": []})
            continue
        boxes = np.array([[width / 2, 0, 2 * width, height], [0, 0, width / 2, height / 2]])
        results.append((boxes, np.array([0.25, picture[..., 0].mean() / 255]), [1, 2]))
    return results


class Constant:
    """Returns the same boxes with features for every frame."""

    label_names = ("cat", "dog")

    def __init__(self, count=2, weights="v7"):
        self.count, self.weights, self.versions = count, weights, {"constant": "1.2"}

    def __call__(self, pictures):
        box, row = [1.0, 2, 9, 8], [0.5, 1.5, 2.5]
        return [
            {"boxes": [box] * self.count, "scores": [0.9] * self.count, "features": [row] * self.count}
            for _ in pictures
        ]


@pytest.fixture(scope="module")
def wrapped():
    return wrap_detector("quarters", quarters, SMALL)


SIZES = [(48, 64), (64, 48), (48, 64)]


def test_boxes_of_a_function_get_features_of_the_backbone(wrapped):
    pictures = frames(*SIZES)
    found = extract(wrapped, pictures)
    backbone = wrapped.backbone
    for picture, objects in zip(pictures, found, strict=True):
        height, width = picture.shape[1:3]
        assert objects.boxes.tolist() == [
            [0, 0, width / 2, height / 2],
            [width / 2, 0, width, height],
        ]  # clipped
        assert objects.scores.tolist() == pytest.approx([float(picture[..., 0].float().mean() / 255), 0.25])
        assert objects.labels.tolist() == [2, 1]
        expected = backbone.extract([backbone.resize(picture[0])], [objects.boxes], [(height, width)])[0]
        torch.testing.assert_close(objects.features, expected, rtol=1e-4, atol=1e-4 * float(expected.max()))
    assert wrapped.streams == ("object",)


def test_a_frame_is_described_alike_alone_and_beside_others(wrapped):
    pictures = frames(*SIZES)
    for picture, together in zip(pictures, extract(wrapped, pictures), strict=True):
        alone = extract(wrapped, [picture])[0]
        assert torch.equal(alone.boxes, together.boxes)
        torch.testing.assert_close(
            alone.features, together.features, rtol=1e-4, atol=1e-4 * float(alone.features.max())
        )


def test_the_callable_gets_a_list_of_rgb_arrays():
    got = []

    def spy(pictures):
        got.extend(pictures)
        return [(np.zeros((0, 4)), [])] * len(pictures)

    pictures = frames((5, 7), (1, 1))
    extract(wrap_detector("spy", spy, BARE), pictures)
    assert all(isinstance(picture, np.ndarray) and picture.dtype == np.uint8 for picture in got)
    assert all(np.array_equal(picture, given[0]) for picture, given in zip(got, pictures, strict=True))


def test_frames_without_boxes(wrapped):
    flat, other = extract(wrapped, frames((1, 1), (48, 64)))
    assert (flat.boxes.shape, flat.scores.shape, flat.features.shape) == ((0, 4), (0,), (0, 2048))
    assert len(other.boxes) == 2


def test_a_class_is_made_with_its_own_settings():
    extractor = wrap_detector("constant", Constant, {"count": 5, "max_boxes": 3, **BARE})
    objects = extract(extractor, frames((20, 20)))[0]
    assert objects.features.tolist() == [[0.5, 1.5, 2.5]] * 3
    assert extractor.label_names == ("cat", "dog")
    assert extractor.weights == "v7"
    assert extractor.versions == {"constant": "1.2"}
    assert (
        len(
            extract(wrap_detector("constant", Constant, {"score_threshold": 0.95, **BARE}), frames((9, 9)))[
                0
            ].boxes
        )
        == 0
    )


def test_by_its_name_through_the_registry():
    name = f"{__name__}.Constant"
    settings = {"count": 1, **BARE}
    extractor = make_extractor(name, settings, allow=[name])
    assert isinstance(extractor, CustomDetector)
    assert record_of(name, settings, extractor).weights == "v7"


def test_its_record_covers_detector_and_backbone(wrapped):
    own = wrapped.backbone.resnet.weights
    assert own.startswith("sha256:")
    assert wrapped.weights == f"unknown + {own}"
    constant = wrap_detector("constant", Constant, SMALL)
    assert constant.weights == f"v7 + {own}"
    assert set(constant.versions) == {"constant", "torchvision"}


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_weights_in_a_file_are_known_by_its_hash(tmp_path, kind):
    file = tmp_path / "detector.onnx"
    file.write_bytes(b"weights")
    extractor = wrap_detector("constant", Constant, {"weights": kind(file), **BARE})
    assert extractor.weights == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"


def test_the_backbone_loads_weights_of_a_file(wrapped, tmp_path):
    state = wrapped.backbone.resnet.network.state_dict()
    torch.save({name: value * 0.5 for name, value in state.items()}, tmp_path / "resnet.pt")
    other = wrap_detector("quarters", quarters, {"side": 64, "features_weights": str(tmp_path / "resnet.pt")})
    assert other.weights not in (wrapped.weights, "unknown")


def test_settings_that_nobody_takes():
    with pytest.raises(
        OptionError, match="'quarters' is a function and takes no settings, got model, threshold"
    ):
        wrap_detector("quarters", quarters, {"threshold": 0.5, "model": "x", **BARE})
    with pytest.raises(
        OptionError, match=r"Detector 'constant': got an unexpected keyword argument 'colour'\."
    ):
        wrap_detector("constant", Constant, {"colour": "red", **BARE})
    with pytest.raises(OptionError, match="Silent has no __call__"):
        wrap_detector("silent", type("Silent", (), {}), BARE)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"features": "vgg16"}, "'features' must be resnet18, resnet50, .* or null, got 'vgg16'"),
        ({"max_boxes": 0, **BARE}, "'max_boxes' must be at least 1, got 0"),
        ({"score_threshold": -1, **BARE}, "'score_threshold' must lie in 0..1, got -1"),
    ],
)
def test_values_that_are_not_allowed(settings, named):
    with pytest.raises(OptionError, match=named):
        wrap_detector("quarters", quarters, settings)


@pytest.mark.parametrize(
    ("attribute", "value", "named"),
    [
        ("weights", 3, "'weights' must be a hash, any text or a file, got a int"),
        ("label_names", {0: "cat"}, "'label_names' must be a list.*got a dict"),
    ],
)
def test_attributes_of_another_kind(attribute, value, named):
    odd = type("Odd", (), {attribute: value, "__call__": quarters})
    with pytest.raises(OptionError, match=named):
        wrap_detector("odd", odd, BARE)


@pytest.mark.parametrize(
    ("results", "named"),
    [
        ({"boxes": []}, "'odd' must return a list with one result for each of 2 frames, got a dict"),
        ([{"boxes": []}], "for each of 2 frames, got a list of 1"),
        (None, "got a NoneType"),
        ([None, None], "A result of detector 'odd': must be FrameObjects.*got NoneType None"),
        ((np.zeros((2, 4)), np.zeros(2)), r"A result of detector 'odd'.*got ndarray of shape \[2, 4\]"),
        (
            [([[0, 0, 4, 4]], [0.5])] * 2,
            "'odd' returned boxes without features; return features, or set 'features' to a backbone",
        ),
    ],
)
def test_results_of_another_form(results, named):
    with pytest.raises(DataError, match=named):
        extract(wrap_detector("odd", lambda pictures: results, BARE), frames((8, 8), (8, 8)))


def test_it_is_moved_with_its_detector(monkeypatch):
    class Movable(Constant):
        place = None

        def to(self, device):
            self.place = device

    extractor = wrap_detector("movable", Movable, SMALL)
    moved = []
    network = extractor.backbone.resnet.network
    monkeypatch.setattr(network, "to", moved.append)
    assert extractor.to("cpu") is extractor
    assert extractor.detector.place == "cpu"
    assert moved == ["cpu"]
