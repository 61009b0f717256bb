import pytest
import torch

from stgraph.errors import DataError, OptionError, ShapeError
from stgraph.nn import STATEncoder

NUM_FRAMES = torch.tensor([2, 3])
FRAME = torch.tensor([0, 0, 3, 4])


def streams():
    torch.manual_seed(0)
    return {
        "appearance": torch.randn(5, 4),
        "motion": torch.randn(5, 6),
        "x": torch.randn(4, 7),
        "frame": FRAME,
    }


@torch.no_grad()
def test_streams_are_tanh_of_projections_and_the_global_one_is_kept():
    encoder, given = STATEncoder(4, appearance_channels=4, motion_channels=6, object_channels=7), streams()
    out = encoder(NUM_FRAMES, **given)
    assert out.mask.tolist() == [[True, True, False], [True] * 3]
    torch.testing.assert_close(out.frames[out.mask], given["appearance"])
    for name, part, found in (
        ("motion", encoder.motion, out.motion[out.mask]),
        ("x", encoder.objects, out.regions[out.region_mask]),
    ):
        for row, x in zip(found, given[name], strict=True):
            torch.testing.assert_close(row, torch.tanh(part.weight @ x + part.bias))
    assert out.region_mask.sum(-1).tolist() == [[2, 0, 0], [0, 1, 1]]
    wider = STATEncoder(3, appearance_channels=4)
    expected = given["appearance"] @ wider.appearance.weight.T + wider.appearance.bias
    out = wider(NUM_FRAMES, appearance=given["appearance"])
    torch.testing.assert_close(out.frames[out.mask], expected)


def test_regions_alone_and_none_of_them():
    encoder = STATEncoder(4, object_channels=7)
    out = encoder(NUM_FRAMES, x=torch.zeros(0, 7), frame=FRAME[:0])
    assert out.mask.tolist() == [[True, True, False], [True] * 3]
    assert out.frames is None
    assert not out.region_mask.any()


def test_wrong_input_is_named():
    encoder, given = STATEncoder(4, motion_channels=6, object_channels=7), streams()
    with pytest.raises(DataError, match="needs 'motion', but these videos have none"):
        encoder(NUM_FRAMES, x=given["x"], frame=FRAME)
    with pytest.raises(ShapeError, match=r"'x' must be \[M, F=7\], got \[4, 6\]"):
        encoder(NUM_FRAMES, motion=given["motion"], x=given["x"][:, :6], frame=FRAME)
    with pytest.raises(DataError, match="'frame' must be given with 'x'"):
        encoder(NUM_FRAMES, motion=given["motion"], x=given["x"])
    with pytest.raises(OptionError, match="must have a width above 0"):
        STATEncoder(4)
