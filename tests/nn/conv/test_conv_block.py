"""Convolutions of PyTorch Geometric in the encoder answer as they do by themselves."""

import signal

import pytest
import torch
from torch import nn
from torch.nn.functional import layer_norm
from torch_geometric import nn as pyg

from stgraph import VideoGraphBuilder
from stgraph.errors import OptionError, ShapeError
from stgraph.nn import ConvBlock, EdgeAttributes, GraphEncoder, ResidualGCNConv, pyg_conv
from stgraph.nn.conv import conv_block, residual_gcn_conv
from tests.nn.conv.test_residual_gcn_conv import CHANNELS, detections

WIDTH = 8


def mlp():
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))


CONVS = {
    "gatv2": (lambda: pyg.GATv2Conv(WIDTH, 4, heads=2, edge_dim=7, add_self_loops=False), ["edge_attr"]),
    "gatv2 without attributes": (lambda: pyg.GATv2Conv(WIDTH, WIDTH, add_self_loops=False), []),
    "gine": (lambda: pyg.GINEConv(mlp(), edge_dim=7), ["edge_attr"]),
    "transformer": (lambda: pyg.TransformerConv(WIDTH, 4, heads=2, edge_dim=7), ["edge_attr"]),
    "rgcn": (lambda: pyg.RGCNConv(WIDTH, WIDTH, num_relations=3), ["edge_type"]),
    "gcn": (lambda: pyg.GCNConv(WIDTH, WIDTH, add_self_loops=False), ["edge_weight"]),
    "sage": (lambda: pyg.SAGEConv(WIDTH, WIDTH), []),
}


def attributes_of(graph):
    video = torch.zeros(graph.num_nodes, dtype=torch.long)
    return EdgeAttributes()(graph.box, graph.edge_index, graph.track, graph.frame, graph.time, video)


@pytest.mark.parametrize("name", CONVS)
def test_equals_pyg_by_hand(name):
    torch.manual_seed(0)
    make, takes = CONVS[name]
    graph = VideoGraphBuilder()(detections())
    given = {
        "edge_attr": attributes_of(graph),
        "edge_type": graph.edge_kind,
        "edge_weight": graph.edge_weight,
    }
    encoder = GraphEncoder(CHANNELS, WIDTH, convs=[make(), make()])
    nodes = encoder.nodes(
        graph.x,
        graph.edge_index,
        given["edge_weight"],
        edge_attr=given["edge_attr"],
        edge_type=given["edge_type"],
    )
    h = graph.x @ encoder.project.weight.T
    for layer in encoder.layers:
        h = layer_norm(
            h + layer.conv(h, graph.edge_index, **{key: given[key] for key in takes}).relu(), (WIDTH,)
        )
    torch.testing.assert_close(nodes, h)
    nodes.square().sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


@pytest.mark.parametrize(
    "name", ["GATv2Conv", "GINEConv", "TransformerConv", "RGCNConv", "GCNConv", "GraphConv"]
)
def test_any_conv_by_name_keeps_the_width(name):
    graph = VideoGraphBuilder()(detections())
    conv = pyg_conv(name, WIDTH, edge_channels=7, num_kinds=3)
    block = ConvBlock(conv, WIDTH)
    out = block(
        torch.ones(graph.num_nodes, WIDTH),
        graph.edge_index,
        graph.edge_weight,
        attributes_of(graph),
        graph.edge_kind,
    )
    assert out.shape == (graph.num_nodes, WIDTH)
    assert getattr(conv, "add_self_loops", False) is False


def test_heads_share_the_width():
    assert pyg_conv("GATv2Conv", WIDTH, arguments={"heads": 2}).out_channels == 4
    assert pyg_conv("GATv2Conv", WIDTH, arguments={"heads": 2, "concat": False}).out_channels == WIDTH


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("Linear", {}, "'conv' must be 'ResidualGCNConv' or the name of a convolution"),
        ("os", {}, "such as 'GATv2Conv', got 'os'"),
        (None, {}, "got None"),
        ("GATv2Conv", {"heads": 3}, "'heads' must be a whole number that divides the 8 channels, got 3"),
        ("GATv2Conv", {"haeds": 2}, "GATv2Conv can't be built with 'conv_arguments'"),
    ],
)
def test_wrong_names_and_arguments_are_refused(name, arguments, said):
    with pytest.raises(OptionError, match=said):
        pyg_conv(name, WIDTH, arguments=arguments)


def test_what_a_conv_lacks_is_named():
    graph = VideoGraphBuilder()(detections())
    x = torch.ones(graph.num_nodes, WIDTH)
    with pytest.raises(OptionError, match="GINEConv needs 'edge_attr', got None"):
        ConvBlock(pyg.GINEConv(mlp(), edge_dim=7), WIDTH)(x, graph.edge_index)
    with pytest.raises(ShapeError, match=r"GATv2Conv made \[\d+, 4\] of"):
        ConvBlock(pyg.GATv2Conv(WIDTH, 4), WIDTH)(x, graph.edge_index)
    with pytest.raises(OptionError, match="'conv' must be a Module"):
        ConvBlock(pyg.GATv2Conv, WIDTH)


@pytest.mark.parametrize("make", [lambda: ResidualGCNConv(WIDTH), lambda: pyg_conv("GCNConv", WIDTH)])
def test_an_interrupt_leaves_no_generated_files(make, monkeypatch):
    removed = []

    def remove(conv):
        signal.raise_signal(signal.SIGINT)
        removed.append(conv)

    for module in (conv_block, residual_gcn_conv):
        monkeypatch.setattr(module, "remove_generated_files", remove)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            make()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(removed) == 1
