import pytest
import torch
from torch_geometric import EdgeIndex
from torch_geometric.nn import GCNConv

from stgraph import Detections, VideoGraphBuilder
from stgraph.errors import OptionError, ShapeError
from stgraph.nn import NormalizedAdjacency, ResidualGCNConv
from stgraph.nn.conv import sparse_matmul
from tests.reference.gcn import dense, normalised, residual_gcn

CHANNELS = 6


def detections(counts=(3, 0, 2, 4, 1)):
    generator = torch.Generator().manual_seed(0)
    frame = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    corner = torch.rand(len(frame), 2, generator=generator) * 60
    size = torch.rand(len(frame), 2, generator=generator) * 60 + 5
    return Detections(
        boxes=torch.cat([corner, corner + size], 1),
        scores=torch.ones(len(frame)),
        features=torch.randn(len(frame), CHANNELS, generator=generator),
        frame=frame,
        num_frames=len(counts),
        size=(120, 120),
    )


BUILDERS = {
    "full": VideoGraphBuilder(),
    "space": VideoGraphBuilder(temporal=None),
    "time": VideoGraphBuilder(spatial=None),
    "dense": VideoGraphBuilder.dense(),
}


@pytest.fixture(params=BUILDERS)
def graph(request):
    return BUILDERS[request.param](detections())


@pytest.mark.parametrize("flow", ["target_to_source", "source_to_target"])
def test_equals_the_dense_formula_on_all_four_graphs(graph, flow):
    torch.manual_seed(0)
    conv = ResidualGCNConv(CHANNELS, flow=flow)
    matrix = dense(graph.edge_index, graph.edge_weight, len(graph.x))
    expected = residual_gcn(graph.x, matrix, conv.lin.weight.T, transpose=flow == "source_to_target")
    torch.testing.assert_close(conv(graph.x, graph.edge_index, graph.edge_weight), expected.float())


def test_the_literal_flow_gathers_from_the_next_frame():
    graph = BUILDERS["time"](detections((1, 1)))
    conv = ResidualGCNConv(CHANNELS)
    with torch.no_grad():
        conv.lin.weight.copy_(torch.eye(CHANNELS))
    out = conv(graph.x, graph.edge_index, graph.edge_weight)
    torch.testing.assert_close(
        out[0], (graph.x[0] + graph.x[1]).relu()
    )  # row sums 1 and 0, the latter replaced by 1
    torch.testing.assert_close(out[1], graph.x[1].relu())


def pyg_answer(conv, graph):
    """PyG's GCNConv aggregates at the target, so it gets (j, i)."""
    pyg = GCNConv(CHANNELS, CHANNELS, normalize=True, add_self_loops=False, bias=False)
    with torch.no_grad():
        pyg.lin.weight.copy_(conv.lin.weight)
    return (graph.x + pyg(graph.x, graph.edge_index.flip(0), graph.edge_weight)).relu()


@pytest.mark.parametrize("kind", ["full", "space", "dense"])
def test_equals_pyg_where_no_row_sum_is_zero(kind):
    graph, conv = BUILDERS[kind](detections()), ResidualGCNConv(CHANNELS)
    torch.testing.assert_close(conv(graph.x, graph.edge_index, graph.edge_weight), pyg_answer(conv, graph))


def test_differs_from_pyg_only_where_edges_reach_a_node_with_row_sum_zero():
    graph, conv = BUILDERS["time"](detections()), ResidualGCNConv(CHANNELS)
    ours, theirs = conv(graph.x, graph.edge_index, graph.edge_weight), pyg_answer(conv, graph)
    row_sum = torch.zeros(len(graph.x)).index_add(0, graph.edge_index[0], graph.edge_weight)
    lost = torch.zeros(len(graph.x), dtype=torch.bool)
    lost[graph.edge_index[0, row_sum[graph.edge_index[1]] == 0]] = True
    assert lost.any()
    assert not lost.all()
    torch.testing.assert_close(ours[~lost], theirs[~lost])
    assert ((ours - theirs)[lost].abs().amax(1) > 1e-4).any()
    # Our layer keeps what PyG drops, as the dense oracle shows.
    matrix = normalised(dense(graph.edge_index, graph.edge_weight, len(graph.x)))
    expected = torch.relu(graph.x.double() + matrix @ graph.x.double() @ conv.lin.weight.T.double())
    torch.testing.assert_close(ours, expected.float())


def forms(graph):
    size = (len(graph.x), len(graph.x))
    coo = torch.sparse_coo_tensor(graph.edge_index, graph.edge_weight, size)
    yield "edge index", (graph.edge_index, graph.edge_weight)
    yield "EdgeIndex", (EdgeIndex(graph.edge_index, sparse_size=size, sort_order="row"), graph.edge_weight)
    yield "coo", (coo,)
    yield "csr", (coo.coalesce().to_sparse_csr(),)
    yield "prepared", (NormalizedAdjacency(graph.edge_index, graph.edge_weight, size[0]),)
    shuffled = torch.randperm(graph.edge_index.size(1), generator=torch.Generator().manual_seed(1))
    yield "shuffled", (graph.edge_index[:, shuffled], graph.edge_weight[shuffled])


def test_every_form_of_the_graph_gives_one_answer(graph):
    conv = ResidualGCNConv(CHANNELS)
    answers = {name: conv(graph.x, *form) for name, form in forms(graph)}
    for name, answer in answers.items():
        torch.testing.assert_close(answer, answers["edge index"], msg=name)


@pytest.mark.parametrize("flow", ["target_to_source", "source_to_target"])
def test_gradients_of_features_weights_and_edges(flow):
    graph = BUILDERS["full"](detections((2, 3)))
    conv = ResidualGCNConv(CHANNELS, flow=flow).double()
    x = graph.x.double().requires_grad_()
    edge_weight = graph.edge_weight.double().requires_grad_()

    def call(x, edge_weight, matrix):
        return torch.func.functional_call(conv, {"lin.weight": matrix}, (x, graph.edge_index, edge_weight))

    assert torch.autograd.gradcheck(call, (x, edge_weight, conv.lin.weight))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_large_results_are_computed_some_rows_at_a_time(monkeypatch, graph, kind):
    x = graph.x.to(kind).requires_grad_()
    weight = graph.edge_weight.to(kind).requires_grad_()
    above = torch.randn(x.shape, dtype=kind)

    def answers():
        adjacency = NormalizedAdjacency(graph.edge_index, weight, graph.num_nodes)
        out = [adjacency.matmul(x, transpose=transpose) for transpose in (False, True)]
        return [*out, *torch.autograd.grad(out, (x, weight), (above, above))]

    at_once = answers()
    monkeypatch.setattr(sparse_matmul, "_LARGE", 0)
    for part in (1, 3 * CHANNELS * x.element_size(), 2**20):
        monkeypatch.setattr(sparse_matmul, "_PART", part)
        assert all(torch.equal(one, other) for one, other in zip(answers(), at_once, strict=True))


def test_nodes_may_come_in_another_order(graph):
    conv = ResidualGCNConv(CHANNELS)
    order = torch.randperm(len(graph.x), generator=torch.Generator().manual_seed(2))
    place = order.argsort()
    moved = conv(graph.x[order], place[graph.edge_index], graph.edge_weight)
    torch.testing.assert_close(moved, conv(graph.x, graph.edge_index, graph.edge_weight)[order])


def test_a_video_alone_equals_the_video_in_a_batch():
    conv, builder = ResidualGCNConv(CHANNELS), BUILDERS["full"]
    videos = [detections((3, 0, 2)), detections((1,)), detections((2, 2))]
    batch = builder.build_batch(videos)
    together = conv(batch.x, batch.edge_index, batch.edge_weight)
    alone = [conv(g.x, g.edge_index, g.edge_weight) for g in map(builder, videos)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_edge_masks_of_an_explainer_act_on_single_edges():
    graph, conv = BUILDERS["full"](detections((2, 2))), ResidualGCNConv(CHANNELS)
    plain = conv(graph.x, graph.edge_index, graph.edge_weight)
    conv.explain, conv._edge_mask = True, torch.full((graph.edge_index.size(1),), 20.0)  # sigmoid(20) is 1
    conv._loop_mask, conv._apply_sigmoid = torch.ones(graph.edge_index.size(1), dtype=torch.bool), True
    torch.testing.assert_close(conv(graph.x, graph.edge_index, graph.edge_weight), plain)
    conv._edge_mask = torch.full((graph.edge_index.size(1),), -100.0)
    torch.testing.assert_close(conv(graph.x, graph.edge_index, graph.edge_weight), graph.x.relu())


def test_runs_under_autocast_in_the_weights_precision():
    graph, conv = BUILDERS["full"](detections()), ResidualGCNConv(CHANNELS)
    plain = conv(graph.x, graph.edge_index, graph.edge_weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = conv(graph.x, graph.edge_index, graph.edge_weight)
    torch.testing.assert_close(mixed.float(), plain, atol=0.05, rtol=0.05)


def test_wrong_input_is_named():
    graph, conv = BUILDERS["full"](detections()), ResidualGCNConv(CHANNELS)
    with pytest.raises(ShapeError, match=r"'x' must be \[N, channels=6\], got \[10, 5\]"):
        conv(graph.x[:, :5], graph.edge_index, graph.edge_weight)
    with pytest.raises(ShapeError, match=r"'edge_weight' must be \[E="):
        conv(graph.x, graph.edge_index, graph.edge_weight[:-1])
    with pytest.raises(ShapeError, match="graph's N=3 rows, got 10"):
        conv(graph.x, NormalizedAdjacency(torch.zeros(2, 0, dtype=torch.long), None, 3))
    with pytest.raises(OptionError, match="'edge_index' must be a tensor"):
        conv(graph.x, "graph")
    with pytest.raises(OptionError, match="'flow' must be"):
        ResidualGCNConv(4, flow="backwards")


def test_a_graph_without_nodes_or_edges():
    conv = ResidualGCNConv(CHANNELS)
    empty = torch.zeros(2, 0, dtype=torch.long)
    assert conv(torch.zeros(0, CHANNELS), empty, torch.zeros(0)).shape == (0, CHANNELS)
    x = torch.randn(3, CHANNELS)
    torch.testing.assert_close(conv(x, empty, torch.zeros(0)), x.relu())
