import pytest
import torch

from stgraph.errors import OptionError, ShapeError
from stgraph.nn import SceneEncoder


def test_equals_equation_6():
    torch.manual_seed(0)
    encoder = SceneEncoder(5, 4, motion_channels=3)
    f2d, f3d = torch.randn(7, 5), torch.randn(7, 3)
    joined = torch.cat([f2d @ encoder.appearance.weight.T, f3d @ encoder.motion.weight.T], dim=1)
    torch.testing.assert_close(encoder(f2d, f3d), joined @ encoder.fuse.weight.T)
    assert {name for name, _ in encoder.named_parameters()} == {
        "appearance.weight",
        "motion.weight",
        "fuse.weight",
    }


def test_without_motion_the_fusion_is_square():
    encoder = SceneEncoder(5, 4)
    assert encoder.fuse.weight.shape == (4, 4)
    x = torch.randn(2, 5)
    torch.testing.assert_close(encoder(x), x @ encoder.appearance.weight.T @ encoder.fuse.weight.T)


def test_wrong_input_is_named():
    with pytest.raises(ShapeError, match="'motion' must be None"):
        SceneEncoder(5, 4)(torch.zeros(2, 5), torch.zeros(2, 3))
    with pytest.raises(ShapeError, match=r"'motion' must be \[M, 3\]"):
        SceneEncoder(5, 4, motion_channels=3)(torch.zeros(2, 5))
    with pytest.raises(ShapeError, match=r"'appearance' must be \[M, Fa=5\]"):
        SceneEncoder(5, 4)(torch.zeros(2, 6))
    with pytest.raises(OptionError, match="'appearance_channels'"):
        SceneEncoder(0, 4)
