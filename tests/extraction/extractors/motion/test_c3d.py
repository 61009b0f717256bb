import pytest
import torch

from stgraph.errors import DataError, OptionError
from stgraph.extraction.extractors.motion import C3D
from stgraph.extraction.extractors.registry import make_extractor
from tests.extraction.extractors.motion.samples import item, pictures, save_layout
from tests.extraction.extractors.motion.test_c3d_network import LAYOUT


@pytest.fixture(scope="module")
def c3d():
    return make_extractor("c3d", {"weights": "random"})


def test_the_middle_is_cut_and_blue_comes_first(c3d):
    frames = pictures(128, 171)  # nothing to resize
    assert torch.equal(c3d.preprocess(frames), frames[:, 8:120, 30:142].flip(3).permute(3, 0, 1, 2))
    assert c3d.preprocess(pictures(64, 200)).shape == (3, 16, 112, 112)


def test_the_mean_of_sports_1m_is_subtracted_and_nothing_divided(c3d):
    clip = item(2)
    means = torch.tensor([90.25, 97.66, 101.41]).view(3, 1, 1, 1)
    torch.testing.assert_close(c3d.batch([clip])[0], clip - means, rtol=0, atol=1e-4)


def test_a_batch_says_what_each_clip_alone_says(c3d):
    clips = [item(112, seed) for seed in (0, 1)]
    first, second = (description["motion"] for description in c3d.extract(clips))
    alone = c3d.extract(clips[1:])[0]["motion"]
    torch.testing.assert_close(second, alone, rtol=1e-4, atol=1e-2)  # values are near 100
    assert (first - second).abs().mean() > 1
    assert second.shape == (4096,)
    assert second.min() == 0  # after the ReLU


def test_a_file_in_the_public_layout_is_read_and_what_lies_behind_fc6_left(tmp_path):
    behind = {"fc7.weight": (4096, 4096), "fc7.bias": (4096,), "fc8.weight": (487, 4096), "fc8.bias": (487,)}
    whole = C3D(save_layout(tmp_path / "c3d.pickle", LAYOUT | behind))
    assert "fc7" not in dict(whole.network.named_children())
    assert float(whole.network.fc6.weight.mean()) == pytest.approx(0.01, rel=1e-4)


def test_weights_that_are_not_its_own_are_refused(tmp_path):
    both_sides = LAYOUT | {"fc6.weight": (4096, 4608)}  # a port whose last pool rounds down
    with pytest.raises(DataError, match=r"'fc6.weight' is \[4096, 4608\], not \[4096, 8192\]"):
        C3D(save_layout(tmp_path / "other.pt", both_sides))
    with pytest.raises(OptionError, match="must be a file or 'random' .* got 'default'"):
        C3D()
