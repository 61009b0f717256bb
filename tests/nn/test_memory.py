import pytest
import torch

from stgraph.errors import DataError, ShapeError
from stgraph.nn import VideoMemory

MASK = torch.tensor([[True, True], [True, False]])


def test_streams_are_zero_where_nothing_is_real():
    found = VideoMemory(
        MASK,
        torch.full((2, 2, 1), 7.0),
        regions=torch.full((2, 2, 2, 1), 5.0),
        region_mask=MASK[..., None].expand(2, 2, 2),
    )
    assert found.real_frames("frames")[..., 0].tolist() == [[7, 7], [7, 0]]
    regions, mask = found.regions_or_frames()
    assert regions[..., 0].tolist() == [[[5, 5], [5, 5]], [[5, 5], [0, 0]]]
    assert mask.tolist() == (regions[..., 0] > 0).tolist()
    assert found.frames.min() == 7  # the input is not changed


def test_wrong_streams_are_named():
    frames = torch.zeros(2, 2, 3)
    with pytest.raises(DataError, match="must hold 'frames', 'motion' or 'regions'"):
        VideoMemory(MASK)
    with pytest.raises(DataError, match="'regions' and 'region_mask' must be given together"):
        VideoMemory(MASK, regions=frames[:, :, None])
    with pytest.raises(ShapeError, match=r"'motion' must be \[B=2, T=2, D\], got \[2, 1, 3\]"):
        VideoMemory(MASK, frames, frames[:, :1])
    with pytest.raises(ShapeError, match=r"'region_mask' must be \[B=2, T=2, S=1\]"):
        VideoMemory(MASK, regions=frames[:, :, None], region_mask=torch.ones(2, 2, 4, dtype=torch.bool))
    with pytest.raises(ShapeError, match=r"'category' must be \[B=2, C\]"):
        VideoMemory(MASK, frames, category=torch.zeros(3, 1))
