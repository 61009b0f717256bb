"""build_batch against what PyG makes of each video's graph."""

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.errors import DataError, OptionError, ShapeError
from stgraph.features.detections import Detections
from stgraph.graph import CosineEdges, IouEdges, VideoGraph, VideoGraphBuilder
from tests.graph.samples import random_video

EMPTY = Detections(boxes=[], scores=[], features=torch.zeros(0, 7), frame=[], num_frames=2, size=(64, 80))
VIDEOS = [
    random_video(0, counts=[2, 3, 0, 4]),
    EMPTY,
    random_video(1, counts=[4]),
    random_video(2, counts=[0, 6, 1, 0], known_time=False),
    EMPTY,
    random_video(3, num_frames=9, most=7),
]
BUILDERS = {
    "full": VideoGraphBuilder(max_objects=3, score_threshold=0.4),
    "all boxes": VideoGraphBuilder(max_objects=None, score_threshold=0.0),
    "space only": VideoGraphBuilder(temporal=None),
    "time only": VideoGraphBuilder(spatial=None),
    "dense": VideoGraphBuilder.dense(max_objects=2),
    "padded": VideoGraphBuilder(max_objects=3, pad_objects=4),
    "nothing kept": VideoGraphBuilder(score_threshold=2.0),
    "A = I": VideoGraphBuilder("self", None, max_objects=3),
    "A = 0": VideoGraphBuilder(None, None, max_objects=3),
    "past the paper": VideoGraphBuilder(IouEdges(0.1), CosineEdges(0.1, True, "both"), max_objects=3),
    "past the paper, padded": VideoGraphBuilder(
        IouEdges(0.1), CosineEdges(0.1, True, "both"), max_objects=3, pad_objects=4
    ),
}


def streams(width):
    return [torch.randn(video.num_frames, width) for video in VIDEOS]


def assert_same(got, expected):
    if isinstance(expected, Tensor):
        assert got.dtype == expected.dtype
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=0, equal_nan=True)
    else:
        assert got == expected


@pytest.mark.parametrize("name", BUILDERS)
def test_is_the_batch_of_each_alone(name):
    builder, motion, names = BUILDERS[name], streams(3), [f"video{i}" for i in range(len(VIDEOS))]
    batch = builder.build_batch(VIDEOS, motion=motion, video_id=names)
    alone = [builder(video, motion=m, video_id=n) for video, m, n in zip(VIDEOS, motion, names, strict=True)]
    expected = Batch.from_data_list(alone)
    assert type(batch) is type(expected)
    assert batch.num_graphs == expected.num_graphs
    assert sorted(batch.keys()) == sorted(expected.keys())
    for key in expected.keys():  # noqa: SIM118  (a PyG batch iterates over pairs)
        assert_same(batch[key], expected[key])
    for book in ("_slice_dict", "_inc_dict"):
        got, wanted = getattr(batch, book), getattr(expected, book)
        assert got.keys() == wanted.keys()
        for key in wanted:
            assert_same(got[key], wanted[key])


@pytest.mark.parametrize("name", BUILDERS)
def test_comes_apart_into_each_alone(name):
    builder, appearance = BUILDERS[name], streams(2)
    batch = builder.build_batch(VIDEOS, appearance=appearance)
    parts = batch.to_data_list()
    for i, (video, stream) in enumerate(zip(VIDEOS, appearance, strict=True)):
        alone = builder(video, appearance=stream)
        for part in (parts[i], batch[i]):
            assert type(part) is VideoGraph
            assert sorted(part.keys()) == sorted(alone.keys())
            for key in alone.keys():  # noqa: SIM118
                assert_same(part[key], alone[key])


def test_frames_point_into_the_joined_streams():
    appearance = [torch.full((video.num_frames, 1), float(i)) for i, video in enumerate(VIDEOS)]
    batch = BUILDERS["full"].build_batch(VIDEOS, appearance=appearance)
    assert torch.equal(batch.appearance[batch.frame][:, 0], batch.batch.float())


def test_nothing_leaks_between_videos():
    batch = BUILDERS["full"].build_batch(VIDEOS)
    assert torch.equal(batch.batch[batch.edge_index[0]], batch.batch[batch.edge_index[1]])
    key = batch.edge_index[0] * batch.num_nodes + batch.edge_index[1]
    assert bool((key.diff() > 0).all())  # sorted by (i, j), each pair once


def test_batch_of_one():
    batch = BUILDERS["full"].build_batch(VIDEOS[:1])
    assert batch.num_frames.tolist() == [4]
    assert batch[0].num_frames == 4
    assert isinstance(batch[0].num_frames, int)


def test_width_of_a_video_without_boxes_may_be_unknown():
    unknown = Detections(boxes=[], scores=[], features=[], frame=[], num_frames=2, size=(64, 80))
    batch = VideoGraphBuilder().build_batch([unknown, VIDEOS[0], unknown])
    assert torch.equal(batch.x, VideoGraphBuilder()(VIDEOS[0]).x)
    assert batch.ptr.tolist() == [0, 0, batch.num_nodes, batch.num_nodes]


def test_what_does_not_fit_together_is_refused():
    builder = VideoGraphBuilder()
    with pytest.raises(OptionError, match="'detections' must hold at least one video"):
        builder.build_batch([])
    with pytest.raises(DataError, match=r"'features' must have one width .* got 7 and 8"):
        builder.build_batch([VIDEOS[0], random_video(0, width=8)])
    with pytest.raises(OptionError, match="'motion' must be None or one per video, got 1 for 2"):
        builder.build_batch(VIDEOS[:2], motion=[torch.zeros(4, 1)])
    with pytest.raises(ShapeError, match=r"'motion' must be \[T=2, F\], got \[4, 1\]"):
        builder.build_batch(VIDEOS[:2], motion=[torch.zeros(4, 1), torch.zeros(4, 1)])
    with pytest.raises(DataError, match=r"'appearance' must have one width .* got 1 and 3"):
        builder.build_batch(VIDEOS[:2], appearance=[torch.zeros(4, 1), torch.zeros(2, 3)])


def grids():
    """By name, whatever PyG would think of "index" and "batch" in it."""
    generator = torch.Generator().manual_seed(5)
    shape = {"index_batch": (4, 3), "flow": (2, 5)}
    return {
        name: [torch.randn(video.num_frames, *size, generator=generator) for video in VIDEOS]
        for name, size in shape.items()
    }


@pytest.mark.parametrize("name", ["full", "padded"])
def test_grids_and_categories_travel_with_their_videos(name):
    builder, streams, category = BUILDERS[name], grids(), [2, -1, 0, 1, 1, 5]
    batch = builder.build_batch(VIDEOS, grids=streams, category=category)
    alone = [
        builder(video, grids={key: stream[i] for key, stream in streams.items()}, category=category[i])
        for i, video in enumerate(VIDEOS)
    ]
    expected = Batch.from_data_list(alone)
    assert sorted(batch.keys()) == sorted(expected.keys())
    for key in expected.keys():  # noqa: SIM118
        assert_same(batch[key], expected[key])
    assert torch.equal(batch["grid/flow"], torch.cat(streams["flow"]))
    for i, part in enumerate(batch.to_data_list()):
        assert torch.equal(part["grid/index_batch"], streams["index_batch"][i])
        assert part.category.tolist() == [category[i]]
    assert torch.equal(batch[3]["grid/flow"], streams["flow"][3])


def test_a_grid_is_never_cut_with_the_nodes():
    video = Detections(
        boxes=[[0, 0, 9, 9], [5, 5, 20, 20]], scores=[0.9, 0.8], features=[[1.0], [2.0]], frame=[0, 1],
        num_frames=2, size=(24, 32),
    )  # fmt: skip
    graph = VideoGraphBuilder()(video, grids={"cells": torch.ones(2, 4, 3)}, category=1)  # T == N
    part = graph.subgraph(torch.tensor([1]))
    assert part["grid/cells"].shape == (2, 4, 3)
    assert part.category.tolist() == [1]


def test_grids_that_do_not_fit_are_refused():
    builder = VideoGraphBuilder()
    with pytest.raises(OptionError, match="'cells' must be None or one per video, got 1 for 2"):
        builder.build_batch(VIDEOS[:2], grids={"cells": [torch.zeros(4, 2, 1)]})
    with pytest.raises(ShapeError, match=r"'grid/cells' must be \[T=4, S, D\], got \[3, 2, 1\]"):
        builder(VIDEOS[0], grids={"cells": torch.zeros(3, 2, 1)})
    with pytest.raises(DataError, match=r"'grid/cells' must have one width .* got 2 x 1 and 2 x 3"):
        builder.build_batch(VIDEOS[:2], grids={"cells": [torch.zeros(4, 2, 1), torch.zeros(2, 2, 3)]})
