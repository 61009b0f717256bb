import pytest
import torch
from torchvision.models.video import S3D_Weights, s3d

from stgraph.errors import DataError
from stgraph.extraction.extractors.motion import S3D
from stgraph.extraction.extractors.registry import make_extractor
from tests.extraction.extractors.motion.samples import item, pictures, save_layout


@pytest.fixture(scope="module")
def extractor():
    return make_extractor("s3d", {"weights": "random"})


def test_clips_are_prepared_as_published_with_the_weights(extractor):
    frames = pictures(300, 420)
    published = S3D_Weights.KINETICS400_V1.transforms()(frames.permute(0, 3, 1, 2))
    prepared = extractor.preprocess(frames)
    assert prepared.dtype == torch.uint8
    torch.testing.assert_close(extractor.batch([prepared])[0], published, rtol=0, atol=1e-5)


def test_motion_is_what_torchvisions_classifier_would_see(extractor, tmp_path):
    """torchvision's own network with the same weights, its classifier replaced by the identity."""
    whole = s3d().eval()
    whole.load_state_dict(extractor.network.state_dict(), strict=False)
    seen = []
    whole.classifier.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    clip = item(224)
    said = extractor.extract([clip])[0]["motion"]
    with torch.no_grad():
        whole(extractor.batch([clip]))
    torch.testing.assert_close(said, seen[0].flatten(), rtol=1e-4, atol=1e-5)
    assert said.shape == (1024,)
    assert said.std() > 0.01


def test_a_batch_says_what_each_clip_alone_says(extractor):
    clips = [item(64, seed) for seed in (0, 1)]
    for clip, together in zip(clips, extractor.extract(clips), strict=True):
        alone = extractor.extract([clip])[0]["motion"]
        torch.testing.assert_close(together["motion"], alone, rtol=1e-4, atol=1e-5)


def test_a_file_with_a_classifier_is_read_and_one_of_another_network_refused(extractor, tmp_path):
    shapes = {name: value.shape for name, value in s3d().state_dict().items()}
    read = S3D(save_layout(tmp_path / "s3d.pth", shapes))
    assert not any(name.startswith("classifier") for name in read.network.state_dict())
    assert read.weights != extractor.weights
    with pytest.raises(DataError, match="do not fit S3D: it lacks 'features"):
        S3D(save_layout(tmp_path / "other.pth", {"conv1.weight": (64, 3, 7, 7)}))
