import pytest
import torch

from stgraph.errors import DataError, OptionError
from stgraph.nn import STaTSEncoder

NUM_FRAMES = torch.tensor([2, 3])
FRAME = torch.tensor([0, 0, 3, 4])


def streams():
    torch.manual_seed(0)
    grids = [torch.randn(5, 6, 2), torch.randn(5, 6, 3)]
    return {"grids": grids, "x": torch.randn(4, 7), "frame": FRAME, "frames": [torch.randn(5, 4)]}


@torch.no_grad()
def test_streams_of_a_grid_are_joined_cell_by_cell():
    encoder, given = STaTSEncoder(grid_channels=(2, 3), embedding_channels=4), streams()
    out = encoder(NUM_FRAMES, grids=given["grids"])
    assert encoder.out_channels == 8
    assert out.region_mask.sum((1, 2)).tolist() == [12, 18]
    parts = zip(encoder.places["grids"].parts, given["grids"], strict=True)
    expected = torch.cat([part.weight @ grid[3, 5] + part.bias for part, grid in parts])
    torch.testing.assert_close(
        out.regions[1, 1, 5], expected
    )  # frame 3 of the batch is frame 1 of the second video


@torch.no_grad()
def test_kinds_of_places_stand_side_by_side():
    encoder, given = STaTSEncoder(object_channels=7, frame_channels=(4,), embedding_channels=3), streams()
    out = encoder(NUM_FRAMES, x=given["x"], frame=FRAME, frames=given["frames"])
    assert out.region_mask.sum(-1).tolist() == [[3, 1, 0], [1, 2, 2]]
    boxes, frames = encoder.places["x"].parts[0], encoder.places["frames"].parts[0]
    torch.testing.assert_close(out.regions[0, 0, 1], boxes(given["x"][1]))
    torch.testing.assert_close(out.regions[1, 0, 2], frames(given["frames"][0][2]))


@torch.no_grad()
def test_an_unknown_category_is_zeros():
    encoder = STaTSEncoder(frame_channels=(4,), embedding_channels=3, num_categories=5, category_channels=2)
    out = encoder(NUM_FRAMES, frames=streams()["frames"], category=torch.tensor([-1, 3]))
    assert out.category.tolist() == [[0, 0], encoder.category.weight[3].tolist()]


def test_wrong_input_is_named():
    given = streams()
    with pytest.raises(OptionError, match="One or more kinds of regions must have the same width, got {}"):
        STaTSEncoder()
    with pytest.raises(OptionError, match="same width, got {'grids': 1024, 'x': 512}"):
        STaTSEncoder(grid_channels=(2, 3), object_channels=7)
    encoder = STaTSEncoder(object_channels=7, num_categories=2, category_channels=2)
    with pytest.raises(DataError, match="needs 'x', but these videos have none"):
        encoder(NUM_FRAMES)
    with pytest.raises(DataError, match="'frame' must be given with 'x'"):
        encoder(NUM_FRAMES, x=given["x"])
    with pytest.raises(DataError, match="needs 'category'"):
        encoder(NUM_FRAMES, x=given["x"], frame=FRAME)
