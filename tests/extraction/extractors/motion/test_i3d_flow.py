import pytest
import torch
from torch import nn

from stgraph.errors import DataError, OptionError
from stgraph.extraction.extractors.motion import I3DFlow
from stgraph.extraction.extractors.registry import make_extractor
from tests.extraction.extractors.motion.samples import item, save_layout
from tests.reference import i3d as reference

SMALL = {"weights": "random", "flow": "raft_small", "flow_weights": "random"}


@pytest.fixture(scope="module")
def i3d_flow():
    return make_extractor("i3d_flow", SMALL)


class SaysDifference(nn.Module):
    """Replaces RAFT: x is the change of red in uint8 steps, y that of green; only the last estimate is used."""

    def forward(self, before, after):
        change = (after - before)[:, :2] * 127.5
        return [torch.full_like(change, 9.0), change]


class Keeps(nn.Module):
    """Replaces I3D."""

    def forward(self, flows):
        self.flows = flows
        return torch.zeros(len(flows), 4, 2, 1, 1)


def test_flow_runs_forward_is_cut_scaled_and_its_last_repeated():
    extractor = make_extractor("i3d_flow", SMALL)
    extractor.raft, extractor.i3d = SaysDifference(), Keeps()
    clip = torch.zeros(3, 16, 2, 2, dtype=torch.uint8)
    clip[0] = (5 * torch.arange(16)).view(16, 1, 1)  # red: 5 per frame, then a jump
    clip[0, 15:] = 200
    clip[1] = (10 * torch.arange(15, -1, -1)).view(16, 1, 1)  # green: -10 per frame
    extractor.extract([clip, clip.flip(1)])
    forward, backward = extractor.i3d.flows
    assert forward.shape == (2, 16, 2, 2)
    torch.testing.assert_close(forward[0, :, 0, 0], torch.tensor([0.25] * 14 + [1.0, 1.0]))
    torch.testing.assert_close(forward[1, :, 1, 1], torch.full((16,), -0.5))
    torch.testing.assert_close(backward[0, :, 0, 0], torch.tensor([-1.0] + [-0.25] * 15))


def test_a_batch_says_what_each_clip_alone_says(i3d_flow):
    clips = [item(128, seed) for seed in (0, 1)]
    first, second = i3d_flow.extract(clips)
    alone = i3d_flow.extract(clips[1:])[0]
    torch.testing.assert_close(second["motion"], alone["motion"], rtol=1e-3, atol=1e-5)
    assert (first["motion"] - second["motion"]).abs().max() > 1e-3


def test_the_hash_covers_both_networks(i3d_flow, tmp_path):
    i3d = save_layout(tmp_path / "flow_imagenet.pt", reference.layout(in_channels=2))
    raft = {name: value.shape for name, value in i3d_flow.raft.state_dict().items()}
    raft = save_layout(tmp_path / "raft.pt", raft)
    made = [i3d_flow, I3DFlow(**SMALL | {"weights": i3d}), I3DFlow(**SMALL | {"flow_weights": raft})]
    assert len({extractor.weights for extractor in made}) == 3
    assert I3DFlow(**SMALL).weights == i3d_flow.weights


def test_the_grid_has_a_name_of_its_own():
    assert I3DFlow(**SMALL, grid=True).streams == ("motion", "grid/i3d_flow")
    assert I3DFlow(**SMALL, grid=True, pooled=False).streams == ("grid/i3d_flow",)


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(OptionError, match="'flow' must be one of raft_large, raft_small, got 'tvl1'"):
        I3DFlow(**SMALL | {"flow": "tvl1"})
    with pytest.raises(OptionError, match="must be a file or 'random'"):
        I3DFlow(flow_weights="random")
    colours = save_layout(tmp_path / "rgb_imagenet.pt", reference.layout(in_channels=3))
    with pytest.raises(DataError, match=r"is \[64, 3, 7, 7, 7\], not \[64, 2, 7, 7, 7\]"):
        I3DFlow(**SMALL | {"weights": colours})
