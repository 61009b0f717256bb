"""One graph convolution, compared with PyG's ``GCNConv`` on the same edges, forward and with its gradients.

``python -m benchmarks.speed.layer [--quick]`` prints the rows as JSON. Both compute Eq. 4, ReLU(H + A H W) with
A = D^-1/2 G D^-1/2 and row sums in D: ``GCNConv`` normalises by column sums, so the first peer gets the transposed graph,
whose messages flow the other way. Each call normalises its graph, as a new batch must; the second peer keeps its
normalised ``SparseTensor``, and so do we there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.nn import GCNConv

from benchmarks.speed.building import random_video
from benchmarks.speed.measuring import Row, compare, copy_rate, product_rate, run_alone
from stgraph.graph import VideoGraphBuilder
from stgraph.nn import NormalizedAdjacency, ResidualGCNConv

CHANNELS = 512
SHAPES = {
    "the paper's shape": {"videos": 64, "num_frames": 10, "objects": 5},
    "long videos": {"videos": 1, "num_frames": 200, "objects": 20},
}
PROMISES = {"the paper's shape": 3.5, "long videos": 8.0}


def rows(quick: bool) -> list[Row]:
    """Both shapes, forward and with gradients, beside both peers."""
    return [
        _row(graphs, shape, peer, gradients, 5 if quick else 15)
        for shape, graphs in {name: _graphs(**sizes) for name, sizes in SHAPES.items()}.items()
        for gradients in (False, True)
        for peer in peers(graphs)
    ]


def _graphs(videos: int, num_frames: int, objects: int) -> Any:
    return VideoGraphBuilder().build_batch(
        [random_video(num_frames, objects, 8, seed) for seed in range(videos)]
    )


def peers(graphs: Any) -> dict[str, tuple[bool, Callable[[GCNConv, Tensor], Tensor]]]:
    """Calls of ``GCNConv`` by name, and whether they keep the normalised graph between calls."""
    edges, weight = graphs.edge_index, graphs.edge_weight
    found: dict[str, tuple[bool, Callable[[GCNConv, Tensor], Tensor]]] = {
        "GCNConv": (False, lambda layer, x: layer(x, edges.flip(0), weight))
    }
    try:
        from torch_sparse import SparseTensor
    except ImportError:
        return found
    kept = NormalizedAdjacency(edges, weight, graphs.num_nodes)
    # adj_t [target, source]: row i gathers its columns, as in Eq. 4.
    adj_t = SparseTensor(
        row=edges[0], col=edges[1], value=kept.weight, sparse_sizes=(graphs.num_nodes, graphs.num_nodes)
    )
    found["GCNConv on a SparseTensor that is normalised already"] = (True, lambda layer, x: layer(x, adj_t))
    return found


def _row(graphs: Any, shape: str, peer: str, gradients: bool, rounds: int) -> Row:
    torch.manual_seed(0)
    keeps, call = peers(graphs)[peer]
    size, num_edges = graphs.num_nodes, graphs.num_edges
    x = torch.randn(size, CHANNELS, requires_grad=gradients)
    above = torch.randn(size, CHANNELS)  # gradient from the layer above
    ours = ResidualGCNConv(CHANNELS)
    theirs = GCNConv(CHANNELS, CHANNELS, normalize=not keeps, add_self_loops=False, bias=False)
    theirs.lin.weight.data.copy_(ours.lin.weight.data)
    kept = NormalizedAdjacency(graphs.edge_index, graphs.edge_weight, size) if keeps else None

    def our_way() -> tuple[Tensor, ...]:
        if kept is not None:
            return _outputs(ours(x, kept), x, ours.lin.weight, above, gradients)
        return _outputs(ours(x, graphs.edge_index, graphs.edge_weight), x, ours.lin.weight, above, gradients)

    def their_way() -> tuple[Tensor, ...]:
        return _outputs((x + call(theirs, x)).relu(), x, theirs.lin.weight, above, gradients)

    with torch.set_grad_enabled(gradients):
        for mine, other in zip(our_way(), their_way(), strict=True):
            torch.testing.assert_close(mine, other, atol=2e-3, rtol=1e-3)
        products = 2 * size * CHANNELS**2 * (3 if gradients else 1)
        additions = 2 * num_edges * CHANNELS * (2 if gradients else 1)
        moved = 4 * size * CHANNELS * (5 if gradients else 2)
        return compare(
            f"layer, {shape}, {'forward and backward' if gradients else 'forward'}, {peer}",
            f"one graph convolution of {CHANNELS} channels, {size} nodes, {num_edges} edges",
            our_way,
            peer,
            their_way,
            rounds=rounds,
            promise=1.0 if keeps else PROMISES[shape],
            floor=(
                (products + additions) / product_rate() + moved / copy_rate(),
                "products with W and over edges, inputs and outputs",
            ),
        )


def _outputs(out: Tensor, x: Tensor, weight: Tensor, above: Tensor, gradients: bool) -> tuple[Tensor, ...]:
    if not gradients:
        return (out,)
    return (out.detach(), *torch.autograd.grad(out, (x, weight), above))


if __name__ == "__main__":
    run_alone(rows, __doc__)
