import torch
from torch import nn

from stgraph.extraction.extractors.motion.clip import ClipExtractor, initialize, stretch_and_crop
from tests.extraction.extractors.motion.samples import item, pictures


class PlaneMeans(ClipExtractor):
    mean, std = (0.2, 0.4, 0.6), (0.1, 0.2, 0.4)

    def __init__(self):
        super().__init__(nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten()), "none")


def test_a_clip_is_scaled_plane_by_plane_and_described_by_one_vector():
    clips = [item(4, seed) for seed in (0, 1)]
    said = PlaneMeans().extract(clips)
    for clip, description in zip(clips, said, strict=True):
        share = clip.float().mean((1, 2, 3)) / 255
        expected = (share - torch.tensor([0.2, 0.4, 0.6])) / torch.tensor([0.1, 0.2, 0.4])
        assert set(description) == {"motion"}
        torch.testing.assert_close(description["motion"], expected)


def test_the_usual_clip_is_cut_from_the_middle_of_each_frame():
    frames = pictures(256, 300)  # short side 256 as it is: nothing is resized
    prepared = PlaneMeans().preprocess(frames)
    assert torch.equal(prepared, frames[:, 16:240, 38:262].permute(3, 0, 1, 2))
    assert prepared.is_contiguous()


def test_squashing_changes_the_shape_and_keeps_the_order_of_frames():
    frames = torch.arange(16, dtype=torch.uint8).view(16, 1, 1, 1).expand(16, 50, 90, 3).clone()
    frames[:, :, 45:, 0] = 200  # the right half is red
    squashed = torch.stack([stretch_and_crop(frame, (32, 32), 24) for frame in frames], dim=1)
    assert squashed.shape == (3, 16, 24, 24)
    assert squashed[1, :, 0, 0].tolist() == list(range(16))
    assert squashed[0, 5, 0, :11].tolist() == [5] * 11
    assert squashed[0, 5, 0, 13:].tolist() == [200] * 11


@torch.no_grad()
def test_values_keep_their_size_through_many_layers():
    torch.manual_seed(0)
    layers = [layer for _ in range(20) for layer in (nn.Linear(256, 256), nn.ReLU())]
    x = torch.randn(64, 256)
    assert float(nn.Sequential(*layers)(x).std()) < 0.05
    assert 0.3 < float(initialize(nn.Sequential(*layers))(x).std()) < 3.0
