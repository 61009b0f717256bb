import pytest
import torch

from stgraph.graph import CosineEdges, TrackEdges, VideoGraphBuilder
from stgraph.graph.edges import join
from stgraph.graph.edges.rule import sort_edges
from tests.graph.memory import crowd


def test_sorts_by_row_then_column_and_keeps_equal_pairs_in_order():
    edge_index = torch.tensor([[2, 0, 2, 0, 2], [1, 3, 0, 1, 1]])
    pairs, value, key = sort_edges(4, edge_index, torch.arange(5))
    assert pairs.T.tolist() == [[0, 1], [0, 3], [2, 0], [2, 1], [2, 1]]
    assert value.tolist() == [3, 1, 2, 0, 4]
    assert key.tolist() == [1, 3, 8, 9, 9]


@pytest.mark.parametrize("merged", [1, 7, 50])
@pytest.mark.parametrize(
    ("spatial", "temporal"),
    [
        ("iou", "cosine"),
        ("nearest", "cosine"),
        ("self", "track"),
        ("iou", TrackEdges(hops=(1, 3))),
        ("nearest", CosineEdges(0.1, center=True, direction="both")),
    ],
)
def test_edges_merged_a_few_nodes_at_a_time_are_those_of_both_rules_sorted(
    monkeypatch, merged, spatial, temporal
):
    videos = [crowd(9, 4, seed=seed) for seed in range(3)]
    videos[1] = videos[1].select(torch.arange(len(videos[1]))[videos[1].frame % 4 != 2])
    monkeypatch.setattr(join, "_MERGED", merged)
    graph = VideoGraphBuilder(spatial, temporal).build_batch(videos)
    parts = [VideoGraphBuilder(*rules).build_batch(videos) for rules in ((spatial, None), (None, temporal))]
    edges = torch.cat([part.edge_index for part in parts], 1)
    order = (edges[0] * graph.num_nodes + edges[1]).argsort()
    assert graph.edge_index.tolist() == edges[:, order].tolist()
    assert torch.equal(graph.edge_weight, torch.cat([part.edge_weight for part in parts])[order])
    kinds = torch.cat([torch.full_like(part.edge_kind, kind) for kind, part in enumerate(parts)])
    assert torch.equal(graph.edge_kind, kinds[order])
