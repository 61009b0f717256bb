"""PyG's transforms, loaders and tools on video graphs: each gives a consistent graph, or one sentence says what is wrong."""

import os
import warnings

import pytest
import torch
import torch_geometric.nn
import torch_geometric.typing
from torch_geometric import transforms
from torch_geometric.data import InMemoryDataset
from torch_geometric.explain import Explainer, GNNExplainer
from torch_geometric.loader import DataLoader, NeighborLoader

from stgraph.errors import DataError
from stgraph.graph import CosineEdges, EdgeKind, LinkObjects, VideoGraph, VideoGraphBuilder
from stgraph.nn import GraphEncoder
from tests.graph.samples import random_video

BUILDER = VideoGraphBuilder(max_objects=4)
HAS_SAMPLER = torch_geometric.typing.WITH_TORCH_SPARSE or torch_geometric.typing.WITH_PYG_LIB


@pytest.fixture
def graph():
    return BUILDER(random_video(1, num_frames=6, most=4))


def assert_refused_until_linked_again(graph, tmp_path, says):
    for use in (graph.to_networkx, lambda: graph.save(tmp_path / "graph.json")):
        with pytest.raises(DataError, match=says):
            use()
    linked = LinkObjects(BUILDER)(graph)
    assert linked.to_networkx().number_of_edges() == linked.num_edges == len(linked.edge_kind)
    for name in ("edge_weight", "edge_kind"):
        if len(graph[name]) != graph.num_edges:
            del graph[name]
    assert all("kind" not in values for _, _, values in graph.to_networkx().edges(data=True))


def plain_knn(x, k, batch=None, loop=False, flow="source_to_target", cosine=False, num_workers=1):
    """The nearest neighbours by all distances, as pyg-lib gives them."""
    distance = torch.cdist(x, x).fill_diagonal_(torch.inf)
    nearest = distance.topk(min(k, len(x) - 1), largest=False).indices
    return torch.stack([nearest.flatten(), torch.arange(len(x)).repeat_interleave(nearest.size(1))])


def test_k_nearest_neighbours(graph, tmp_path, monkeypatch):
    if not torch_geometric.typing.WITH_KNN:
        with pytest.raises(ImportError, match="'knn_graph' requires"):
            transforms.KNNGraph(3)(graph.clone())
        monkeypatch.setattr(torch_geometric.nn, "knn_graph", plain_knn)
    found = transforms.KNNGraph(3)(graph)
    assert found.num_edges == 3 * found.num_nodes
    assert_refused_until_linked_again(
        found, tmp_path, r"'edge_(weight|kind)' has \d+ rows for \d+ edges: a transform"
    )


@pytest.mark.parametrize(
    "transform",
    [
        transforms.Distance(),
        transforms.Cartesian(),
        transforms.Polar(),
        transforms.LocalCartesian(),
        transforms.Center(),
        transforms.NormalizeScale(),
        transforms.RandomJitter(1.0),
        transforms.RandomFlip(0, p=1.0),
        transforms.RandomScale((0.5, 2.0)),
        transforms.RandomRotate(30),
    ],
    ids=lambda transform: type(transform).__name__,
)
def test_position_transforms(graph, transform):
    before, found = graph.pos.clone(), transform(graph)
    if found.edge_attr is None:
        assert not torch.equal(found.pos, before)
    else:
        assert len(found.edge_attr) == found.num_edges
    assert torch.equal(found.box, graph.box)
    assert found.to_networkx().number_of_edges() == found.num_edges


def test_to_undirected_keeps_kinds_or_says_that_it_added_them_up(graph, tmp_path):
    found = transforms.ToUndirected()(graph)
    i, j = found.edge_index
    assert torch.equal(found.edge_kind == EdgeKind.TIME, found.frame[i] != found.frame[j])
    kinds = {kind for *_, kind in found.to_networkx().edges(data="kind")}
    assert kinds == {"space", "time"}
    both = VideoGraphBuilder("iou", CosineEdges(direction="both"))(random_video(1, num_frames=6, most=4))
    added = transforms.ToUndirected()(both.clone())
    with pytest.raises(
        DataError, match=r"got 2: a transform added up the kinds of edges; use ToUndirected\(reduce='max'\)"
    ):
        added.to_networkx()
    kept = transforms.ToUndirected(reduce="max")(both)
    assert {kind for *_, kind in kept.to_networkx().edges(data="kind")} == {"space", "time"}
    dense = transforms.ToUndirected()(VideoGraphBuilder.dense(2)(random_video(1)))
    with pytest.raises(DataError, match="got 6: a transform added up"):
        dense.to_networkx()


def test_self_loops(graph, tmp_path):
    without = transforms.RemoveSelfLoops("edge_weight")(graph.clone())
    assert without.num_edges == graph.num_edges - graph.num_nodes
    assert_refused_until_linked_again(without, tmp_path, r"'edge_kind' has \d+ rows for \d+ edges")
    more = transforms.AddSelfLoops()(VideoGraphBuilder(None, "cosine")(random_video(1, num_frames=6, most=4)))
    with pytest.raises(DataError, match=r"'edge_kind' has \d+ rows for \d+ edges"):
        more.to_networkx()
    reordered = transforms.AddRemainingSelfLoops()(graph.clone())
    assert reordered.num_edges == graph.num_edges
    with pytest.raises(
        DataError, match=r"'edge_kind' of \(\d+, \d+\) is TIME: a transform changed the edges"
    ):
        reordered.to_networkx()


def test_sparse_tensors(graph):
    found = transforms.ToSparseTensor(layout=torch.sparse_csr)(graph)
    with pytest.raises(DataError, match=r"has no 'edge_index'; ToSparseTensor moved it into 'adj_t'"):
        found.to_networkx()
    linked = LinkObjects(BUILDER)(found)
    assert torch.equal(linked.edge_index, graph.edge_index)
    assert "adj_t" not in linked
    linked.to_networkx()


def test_line_graphs_are_no_longer_of_objects(graph, tmp_path):
    graph.edge_attr = graph.edge_weight[:, None]
    found = transforms.LineGraph(force_directed=True)(graph)
    for use in (found.to_networkx, lambda: found.save(tmp_path / "graph.pt")):
        with pytest.raises(
            DataError, match=r"has \d+ rows for \d+ (edges|nodes): a transform changed the .*; \w+"
        ):
            use()


def test_neighbour_loader(graph):
    assert HAS_SAMPLER or os.environ.get("STGRAPH_EXPECT_SPARSE") != "1"
    loader = NeighborLoader(graph, num_neighbors=[2, 2], batch_size=3, shuffle=False)
    if not HAS_SAMPLER:
        with pytest.raises(ImportError, match="requires either 'pyg-lib' or 'torch-sparse'"):
            next(iter(loader))
        return
    seen = 0
    for part in loader:
        assert torch.equal(part.x, graph.x[part.n_id])
        assert torch.equal(part.frame, graph.frame[part.n_id])
        assert torch.equal(part.edge_kind, graph.edge_kind[part.e_id])
        assert torch.equal(part.n_id[part.edge_index], graph.edge_index[:, part.e_id])
        assert part.num_frames == graph.num_frames
        seen += part.batch_size
    assert seen == graph.num_nodes


class FrameScore(torch.nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x, edge_index, edge_weight, frame, num_frames):
        return self.encoder(x, edge_index, edge_weight, frame, num_frames).sum(1, keepdim=True)


def test_explainer_and_its_subgraphs(graph):
    explainer = Explainer(
        FrameScore(GraphEncoder(graph.num_features, 8)),
        GNNExplainer(epochs=3),
        explanation_type="model",
        edge_mask_type="object",
        model_config={"mode": "regression", "task_level": "node", "return_type": "raw"},
    )
    given = {"edge_weight": graph.edge_weight, "frame": graph.frame, "num_frames": graph.num_frames}
    explanation = explainer(graph.x, graph.edge_index, index=0, **given)
    assert explanation.edge_mask.shape == (graph.num_edges,)
    strongest = graph.edge_subgraph(explanation.edge_mask >= explanation.edge_mask.median())
    assert strongest.to_networkx().number_of_edges() == strongest.num_edges


def test_compiled_encoder(graph):
    encoder = GraphEncoder(graph.num_features, 8)
    given = (graph.x, graph.edge_index, graph.edge_weight, graph.frame, graph.num_frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = torch.compile(encoder, backend="eager")(*given)
    torch.testing.assert_close(compiled, encoder(*given))


class Linked(InMemoryDataset):
    """Graphs that are transformed once and stored."""

    def __init__(self, graphs, path, **options):
        super().__init__(None, **options)
        self.save([self.pre_transform(graph) for graph in graphs], str(path))
        self.load(str(path), data_cls=VideoGraph)


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_in_memory_data_set_in_workers(tmp_path, context):
    graphs = [BUILDER(random_video(seed, num_frames=4)) for seed in range(4)]
    link, twice = LinkObjects(VideoGraphBuilder(None, "track")), transforms.Distance()
    dataset = Linked(graphs, tmp_path / "graphs.pt", pre_transform=link, transform=twice)
    loader = DataLoader(dataset, batch_size=2, num_workers=2, multiprocessing_context=context)
    found = [graph for batch in loader for graph in batch.to_data_list()]
    for got, graph in zip(found, graphs, strict=True):
        expected = twice(link(graph))
        for name in ("edge_index", "edge_weight", "edge_kind", "edge_attr", "box", "x"):
            assert torch.equal(got[name], expected[name]), name
        assert got.num_frames == 4
        got.to_networkx()
