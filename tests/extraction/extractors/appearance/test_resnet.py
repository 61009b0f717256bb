import pytest
import torch
from safetensors.torch import save_file
from torchvision import models
from torchvision.transforms import Normalize

from stgraph.errors import DataError, MissingDataError
from stgraph.extraction.extractors.appearance import ResNet50, ResNet101
from stgraph.extraction.extractors.image_transforms import IMAGENET_MEAN, IMAGENET_STD
from stgraph.extraction.extractors.registry import make_extractor, record_of
from tests.extraction.extractors.appearance.samples import assert_batch_equals_one_by_one, input_of, picture


@pytest.fixture(scope="module")
def whole():
    """torchvision's own network with weights that stgraph would never draw."""
    torch.manual_seed(5)
    return models.resnet50(weights=None).eval()


@pytest.fixture(scope="module")
def files(whole, tmp_path_factory):
    """Its weights as two files, one complete and one without the classifier."""
    folder = tmp_path_factory.mktemp("weights")
    state = whole.state_dict()
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, folder / "all.pth")
    headless = {name: value for name, value in state.items() if not name.startswith("fc.")}
    save_file(headless, folder / "headless.safetensors")
    return folder


@pytest.fixture(scope="module")
def extractor(files):
    return ResNet50(weights=str(files / "all.pth"), grid=True)


def test_vector_is_torchvisions_average_pool(extractor, whole):
    item = extractor.preprocess(picture())
    scaled = Normalize(IMAGENET_MEAN, IMAGENET_STD)(item / 255)
    expected = input_of(whole.fc, whole, scaled)
    said = extractor.extract([item])[0]["appearance"]
    assert said.shape == (2048,)
    torch.testing.assert_close(said, expected, rtol=1e-4, atol=1e-4)


def test_pictures_are_prepared_as_published(extractor):
    frame = picture()
    published = models.ResNet50_Weights.IMAGENET1K_V1.transforms()(frame.permute(0, 3, 1, 2))[0]
    scaled = Normalize(IMAGENET_MEAN, IMAGENET_STD)(extractor.preprocess(frame) / 255)
    # torchvision resizes uint8 in two ways that round differently; this is the faster one.
    torch.testing.assert_close(scaled, published, rtol=0, atol=1.01 / 255 / min(IMAGENET_STD))


def test_the_mean_of_the_cells_is_the_vector(extractor):
    assert extractor.streams == ("appearance", "grid/resnet50")
    said = extractor.extract([extractor.preprocess(picture())])[0]
    assert said["grid/resnet50"].shape == (49, 2048)
    torch.testing.assert_close(said["grid/resnet50"].mean(0), said["appearance"])


def test_a_batch_says_what_each_frame_alone_says(extractor):
    assert_batch_equals_one_by_one(extractor, [extractor.preprocess(picture(seed=seed)) for seed in range(3)])


def test_only_the_middle_of_a_frame_is_seen(extractor):
    frame = picture(256, 512)
    other = frame.clone()
    other[:, :, :100] = 0
    assert torch.equal(extractor.preprocess(frame), extractor.preprocess(other))
    assert torch.equal(extractor.preprocess(frame)[:, 0, 0], frame[0, 16, 144])


def test_a_file_gives_the_same_hash_with_and_without_classifier(extractor, files):
    plain = ResNet50(weights=str(files / "headless.safetensors"))
    assert plain.streams == ("appearance",)
    assert plain.weights == extractor.weights
    assert plain.weights.startswith("sha256:")


def test_random_weights_are_the_same_each_time_and_those_of_no_file(extractor):
    first, second = (make_extractor("resnet50", {"weights": "random"}) for _ in range(2))
    assert first.weights == second.weights != extractor.weights
    record = record_of("resnet50", {"weights": "random"}, first)
    assert record.weights == first.weights
    assert list(record.versions) == ["torchvision"]
    assert "+" not in record.versions["torchvision"]


def test_files_of_something_else_are_refused(files, tmp_path):
    with pytest.raises(
        DataError, match=r"do not fit .*: it lacks 'layer3.10.bn1.bias' and .* those of another network\?"
    ):
        ResNet101(weights=str(files / "all.pth"))
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(DataError, match="cannot be read as weights"):
        ResNet50(weights=str(tmp_path / "text.pth"))
    with pytest.raises(
        MissingDataError, match="'weights' must be default, .*IMAGENET1K_V2, random or a file"
    ):
        ResNet50(weights="IMAGENET")
