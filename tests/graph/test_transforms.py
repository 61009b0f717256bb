"""Transforms that give what the builder gives."""

import pytest
import torch
from torch_geometric import transforms
from torch_geometric.data import Batch, Data

from stgraph.errors import DataError
from stgraph.graph import BoxCenters, LinkObjects, VideoGraphBuilder
from tests.graph.samples import random_video

VIDEOS = [random_video(seed, num_frames=5) for seed in range(4)]
EDGES = ("edge_index", "edge_weight", "edge_kind")
BUILDERS = [
    VideoGraphBuilder(max_objects=3),
    VideoGraphBuilder("self", "track"),
    VideoGraphBuilder.dense(),
    VideoGraphBuilder(max_objects=3, pad_objects=4),
]


@pytest.mark.parametrize("builder", BUILDERS, ids=repr)
def test_linking_gives_the_edges_of_the_builder(builder):
    batch = builder.build_batch(VIDEOS)
    for expected in (*batch.to_data_list(), batch):
        bare = expected.clone()
        for name in EDGES:
            del bare[name]
        got = LinkObjects(builder)(bare)
        for name in EDGES:
            assert torch.equal(got[name], expected[name]), name
    for got, expected in zip(LinkObjects(builder)(batch).to_data_list(), batch.to_data_list(), strict=True):
        assert all(torch.equal(got[name], expected[name]) for name in EDGES)


def test_a_batch_that_was_linked_otherwise_comes_apart():
    batch = LinkObjects(VideoGraphBuilder(None, "track"))(
        Batch.from_data_list([BUILDERS[0](v) for v in VIDEOS])
    )
    for got, video in zip(batch.to_data_list(), VIDEOS, strict=True):
        expected = LinkObjects(VideoGraphBuilder(None, "track"))(BUILDERS[0](video))
        assert all(torch.equal(got[name], expected[name]) for name in EDGES)


def test_linking_after_nodes_were_dropped():
    graph = BUILDERS[0](VIDEOS[1])
    part = LinkObjects(VideoGraphBuilder(None, "cosine"))(graph.subgraph(torch.arange(0, graph.num_nodes, 2)))
    rows = torch.zeros(part.num_nodes).index_add_(0, part.edge_index[0], part.edge_weight)
    torch.testing.assert_close(rows, torch.isin(part.frame + 1, part.frame).float())


def test_what_linking_lacks_is_named():
    graph = BUILDERS[0](VIDEOS[1])
    with pytest.raises(DataError, match="must be sorted by frame"):
        LinkObjects()(graph.subgraph(torch.arange(graph.num_nodes).flip(0)))
    del graph.box
    with pytest.raises(DataError, match="has no 'box'"):
        LinkObjects()(graph)
    with pytest.raises(DataError, match="has no 'box'"):
        BoxCenters()(graph)


def test_positions_are_the_centres_of_boxes_until_set():
    graph = BUILDERS[0](VIDEOS[1])
    centres = torch.stack([graph.box[:, [0, 2]].mean(1), graph.box[:, [1, 3]].mean(1)], 1)
    torch.testing.assert_close(graph.pos, centres)
    assert "pos" not in graph
    assert BoxCenters()(Data(box=graph.box)).pos.tolist() == graph.pos.tolist()
    moved = transforms.NormalizeScale()(graph.clone())
    assert float(moved.pos.abs().max()) <= 1
    part = moved.subgraph(torch.tensor([1, 0]))
    assert torch.equal(part.pos, moved.pos[[1, 0]])
    assert torch.equal(BoxCenters()(moved).pos, graph.pos)
    assert torch.equal(Batch.from_data_list([graph, graph]).pos, torch.cat([graph.pos, graph.pos]))
    graph.box = graph.box + 1
    torch.testing.assert_close(graph.pos, centres + 1)
    del graph.box
    assert graph.pos is None
