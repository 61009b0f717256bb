import pytest
import torch

from stgraph import VideoGraphBuilder
from stgraph.errors import ShapeError
from stgraph.nn import RelativeGeometry
from tests.nn.conv.test_residual_gcn_conv import detections
from tests.reference.graph_options import geometry_factor

BUILDERS = {"ragged": VideoGraphBuilder(), "padded": VideoGraphBuilder(max_objects=3, pad_objects=4)}


def trained():
    """A layer that gives different pairs different factors."""
    torch.manual_seed(0)
    layer = RelativeGeometry(8)
    torch.nn.init.normal_(layer.log_factor.weight)
    return layer


@pytest.fixture(params=BUILDERS)
def graph(request):
    return BUILDERS[request.param](detections())


def test_equals_the_loops(graph):
    layer = trained()
    with torch.no_grad():
        out = layer(graph.box, graph.edge_index, graph.edge_weight)
    values = layer.hidden.weight.data, layer.hidden.bias.data, layer.log_factor.weight.data[0]
    factor = [geometry_factor(graph.box[i], graph.box[j], *values) for i, j in graph.edge_index.T.tolist()]
    expected = graph.edge_weight.double() * torch.tensor(factor, dtype=torch.float64)
    torch.testing.assert_close(out.double(), expected, atol=1e-6, rtol=1e-5)
    assert float((out / graph.edge_weight).std()) > 0.1


def test_starts_as_the_graph_it_is_given(graph):
    out = RelativeGeometry()(graph.box, graph.edge_index, graph.edge_weight)
    assert torch.equal(out, graph.edge_weight)


def test_gradients_reach_weights_and_parameters(graph):
    layer = trained().double()
    names = dict(layer.named_parameters())

    def call(edge_weight, *values):
        given = graph.box.double(), graph.edge_index, edge_weight
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), given)

    assert torch.autograd.gradcheck(call, (graph.edge_weight.double().requires_grad_(), *names.values()))


def test_absent_boxes_give_no_nan_even_where_all_are_absent():
    layer, edge_index = trained(), torch.tensor([[0, 1], [1, 1]])
    box = torch.zeros(2, 4, requires_grad=True)
    out = layer(box, edge_index, torch.tensor([0.5, 0.25]))
    out.sum().backward()
    assert out.tolist() == [0.5, 0.25]
    assert torch.isfinite(box.grad).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in layer.parameters())


def test_only_relative_place_and_size_count():
    graph, layer = BUILDERS["ragged"](detections()), trained()
    plain = layer(graph.box, graph.edge_index, graph.edge_weight)
    moved = layer(3 * graph.box + torch.tensor([40.0, -7, 40, -7]), graph.edge_index, graph.edge_weight)
    torch.testing.assert_close(moved, plain, atol=1e-4, rtol=1e-4)
    order = torch.randperm(len(graph.box), generator=torch.Generator().manual_seed(2))
    shuffled = layer(graph.box[order], order.argsort()[graph.edge_index], graph.edge_weight)
    torch.testing.assert_close(shuffled, plain)


def test_no_edges():
    assert trained()(torch.rand(3, 4), torch.zeros(2, 0, dtype=torch.long), torch.zeros(0)).shape == (0,)


def test_wrong_input_is_named():
    edges = torch.zeros(2, 1, dtype=torch.long)
    with pytest.raises(ShapeError, match=r"'box' must be \[N, 4\], got \[2, 5\]"):
        trained()(torch.zeros(2, 5), edges, torch.ones(1))
    with pytest.raises(ShapeError, match=r"'edge_weight' must be \[E=1\], got \[2\]"):
        trained()(torch.zeros(2, 4), edges, torch.ones(2))
