import pytest
import torch
from torchvision import models
from torchvision.transforms import Normalize

from stgraph.errors import DataError
from stgraph.extraction.extractors.appearance import GoogLeNetPool5
from stgraph.extraction.extractors.image_transforms import IMAGENET_MEAN, IMAGENET_STD
from stgraph.extraction.extractors.registry import make_extractor
from tests.extraction.extractors.appearance.samples import assert_batch_equals_one_by_one, input_of, picture


@pytest.fixture(scope="module")
def extractor():
    return make_extractor("googlenet", {"weights": "random"})


@pytest.fixture(scope="module")
def whole(extractor):
    """torchvision's network for its published weights, with auxiliary classifiers, and with stgraph's weights loaded."""
    network = models.GoogLeNet(aux_logits=True, transform_input=True, init_weights=False).eval()
    network.load_state_dict(extractor.network.state_dict(), strict=False)
    return network


def test_vector_is_what_torchvisions_classifier_would_see(extractor, whole):
    item = extractor.preprocess(picture())
    assert item.shape == (3, 224, 224)
    scaled = Normalize(IMAGENET_MEAN, IMAGENET_STD)(
        item / 255
    )  # which it converts to colours from -1 to 1 itself
    expected = input_of(whole.fc, whole, scaled)
    said = extractor.extract([item])[0]["appearance"]
    assert said.shape == (1024,)
    assert said.std() > 0.01
    torch.testing.assert_close(said, expected, rtol=1e-4, atol=1e-5)


def test_a_batch_says_what_each_frame_alone_says(extractor):
    assert_batch_equals_one_by_one(extractor, [extractor.preprocess(picture(seed=seed)) for seed in range(2)])


def test_a_file_as_published_gives_its_weights_without_the_classifiers(extractor, whole, tmp_path):
    """The published file holds the auxiliary classifiers and predates the batch counters of batch norm."""
    state = {name: value for name, value in whole.state_dict().items() if "num_batches" not in name}
    assert any(name.startswith("aux1.") for name in state)
    torch.save(state, tmp_path / "all.pth")
    read = GoogLeNetPool5(str(tmp_path / "all.pth"))
    assert read.weights == extractor.weights
    torch.save({name: state[name] for name in state if not name.startswith("conv3.")}, tmp_path / "part.pth")
    with pytest.raises(DataError, match=r"do not fit GoogLeNet: it lacks 'conv3\."):
        GoogLeNetPool5(str(tmp_path / "part.pth"))
