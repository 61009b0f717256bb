"""The optional packages are used if installed, and equal plain PyTorch. `make sparse` runs all tests again."""

import importlib.util
import os

import pytest
import torch
import torch_geometric.typing

from stgraph import VideoGraphBuilder
from stgraph.nn import FrameMeanPool, ResidualGCNConv
from stgraph.nn.extensions import torch_scatter_for
from tests.nn.conv.test_residual_gcn_conv import CHANNELS, detections

INSTALLED = all(importlib.util.find_spec(name) for name in ("torch_scatter", "torch_sparse"))


def test_the_packages_are_in_use_exactly_where_they_are_installed():
    assert torch_geometric.typing.WITH_TORCH_SPARSE == INSTALLED
    assert torch_geometric.typing.WITH_TORCH_SCATTER == INSTALLED
    assert (torch_scatter_for(torch.device("cpu")) is not None) == INSTALLED
    # `make sparse` sets the variable when it runs `make test`.
    assert INSTALLED or os.environ.get("STGRAPH_EXPECT_SPARSE") != "1"


def test_frame_pooling_by_torch_scatter_equals_plain_torch(monkeypatch):
    x, frame = torch.randn(9, 4), torch.tensor([0, 0, 2, 2, 2, 3, 5, 5, 5])
    used = []
    scatter = torch_scatter_for(x.device)

    def spy(device):
        used.append(scatter is not None)
        return scatter

    monkeypatch.setattr("stgraph.nn.pool.frame_mean_pool.torch_scatter_for", spy)
    with_package = FrameMeanPool()(x, frame, 7)
    assert used == [INSTALLED]
    monkeypatch.setattr("stgraph.nn.pool.frame_mean_pool.torch_scatter_for", lambda device: None)
    torch.testing.assert_close(with_package, FrameMeanPool()(x, frame, 7))


@pytest.mark.skipif(not INSTALLED, reason="torch-sparse is an extra; `make sparse` installs it and runs this")
def test_a_sparse_tensor_equals_the_edge_list():
    from torch_sparse import SparseTensor

    graph, conv = VideoGraphBuilder()(detections()), ResidualGCNConv(CHANNELS)
    size = (len(graph.x), len(graph.x))
    adj = SparseTensor(
        row=graph.edge_index[0], col=graph.edge_index[1], value=graph.edge_weight, sparse_sizes=size
    )
    torch.testing.assert_close(conv(graph.x, adj), conv(graph.x, graph.edge_index, graph.edge_weight))


@pytest.mark.skipif(not INSTALLED, reason="torch-sparse is an extra; `make sparse` installs it and runs this")
def test_torch_sparse_multiplies_as_we_do():
    from torch_sparse import SparseTensor, matmul

    from stgraph.nn import NormalizedAdjacency

    graph = VideoGraphBuilder()(detections())
    ours = NormalizedAdjacency(graph.edge_index, graph.edge_weight, len(graph.x))
    size = (len(graph.x), len(graph.x))
    theirs = SparseTensor(
        row=graph.edge_index[0], col=graph.edge_index[1], value=ours.weight, sparse_sizes=size
    )
    torch.testing.assert_close(ours.matmul(graph.x), matmul(theirs, graph.x))
    torch.testing.assert_close(ours.matmul(graph.x, transpose=True), matmul(theirs.t(), graph.x))
