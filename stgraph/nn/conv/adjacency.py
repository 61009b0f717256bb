"""The normalised graph of Eq. 4, built once per batch and used by every layer."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.typing import SparseTensor

from stgraph.checking import axes, check_values, checked, described
from stgraph.errors import OptionError, ShapeError
from stgraph.nn.conv.sparse_matmul import SparsePattern, sparse_matmul
from stgraph.typing import FloatTensor, IntTensor, Rows, check_shape

__all__ = ["AnyAdjacency", "NormalizedAdjacency", "edges_of"]


@checked
class NormalizedAdjacency:
    r"""The matrix :math:`\Lambda^{-1/2} G \Lambda^{-1/2}` with its sorted rows and those of its transpose.

    .. math:: \Lambda_{ii} = \sum_j G_{ij}, \text{ and 1 where that sum is 0}

    :math:`\Lambda` is a property of the graph: the row sum of G, whichever way messages flow.

    Args:
        edge_index: Row 0 is i, row 1 is j.
        edge_weight: :math:`G_{ij}`, not negative; None for 1.
        num_nodes: N.

    Shapes: edge_index ``[2, E]``, edge_weight ``[E]``.

    Raises:
        ShapeError: If an argument has other axes.

    Reference: Pan et al., CVPR 2020, Eq. 3-4.

    >>> graph = NormalizedAdjacency(torch.tensor([[0, 0], [0, 1]]), torch.tensor([1.0, 3.0]), num_nodes=2)
    >>> graph.to_dense().tolist()  # row sums 4 and 0, the latter replaced by 1
    [[0.25, 1.5], [0.0, 0.0]]
    """

    def __init__(self, edge_index: IntTensor, edge_weight: FloatTensor | None, num_nodes: Rows) -> None:
        check_edges(edge_index, num_nodes)
        if edge_weight is None:
            edge_weight = torch.ones(edge_index.size(1), device=edge_index.device)
        check_shape("edge_weight", edge_weight, "E", E=edge_index.size(1))
        self.num_nodes = num_nodes
        self.edge_index = edge_index.as_tensor() if isinstance(edge_index, EdgeIndex) else edge_index
        row, col = self.edge_index[0], self.edge_index[1]
        weight = edge_weight if edge_weight.is_floating_point() else edge_weight.float()
        row_sum = weight.new_zeros(num_nodes).index_add(0, row, weight)
        scale = torch.where(row_sum == 0, torch.ones_like(row_sum), row_sum).rsqrt()
        self.weight = scale.index_select(0, row) * weight * scale.index_select(0, col)
        self._pattern: SparsePattern | None = None

    @classmethod
    def wrap(
        cls, graph: AnyAdjacency, edge_weight: FloatTensor | None, num_nodes: Rows
    ) -> NormalizedAdjacency:
        """Builds it from any form of G, or returns it as it is.

        ``graph[i, j]`` is :math:`G_{ij}` in all matrix forms; PyG's ``adj_t`` is its transpose.

        Args:
            graph: A form that :class:`ResidualGCNConv` takes.
            edge_weight: Weights of ``edge_index``; the other forms hold their own.
            num_nodes: N.

        Raises:
            OptionError: If ``graph`` is of another type.
            ShapeError: If it has another number of nodes.
        """
        if isinstance(graph, cls):
            if graph.num_nodes != num_nodes:
                raise ShapeError(f"'x' must have the graph's N={graph.num_nodes} rows, got {num_nodes}")
            return graph
        return cls(*edges_of(graph, edge_weight, num_nodes), num_nodes)

    @axes(x="N=num_nodes F")
    def matmul(self, x: FloatTensor, *, transpose: bool = False) -> Tensor:
        """Product with ``x`` ``[N, F]``: row i sums over all j with an edge (i, j), or the reverse if transposed.

        Computed in the precision of the weights, outside autocast: torch's CSR product doesn't support bfloat16 on CPU.
        """
        if self._pattern is None:
            self._pattern = SparsePattern(self.edge_index, self.num_nodes)
        with torch.autocast(device_type=x.device.type, enabled=False):
            out = sparse_matmul(self._pattern, self.weight, x.to(self.weight.dtype), transpose=transpose)
        return out.to(x.dtype)

    def to_dense(self) -> Tensor:
        """The dense matrix ``[N, N]``, for inspecting small graphs."""
        dense = self.weight.new_zeros(self.num_nodes, self.num_nodes)
        return dense.index_put((self.edge_index[0], self.edge_index[1]), self.weight, accumulate=True)


AnyAdjacency: TypeAlias = Tensor | SparseTensor | NormalizedAdjacency
"""All forms in which a graph convolution takes a graph."""


def check_edges(edge_index: Tensor, num_nodes: int) -> None:
    """Checks the axes and type of edges and, on a CPU, that their ends are nodes.

    Raises:
        ShapeError: If ``edge_index`` has other axes.
        OptionError: If it holds other numbers.
    """
    check_shape("edge_index", edge_index, "2 E")
    if edge_index.dtype not in (torch.int64, torch.int32):
        raise OptionError(
            f"'edge_index' must be an int64 or int32 tensor, got {described(edge_index)}; convert it with .long()."
        )
    check_values("edge_index", edge_index, num_nodes)


def edges_of(
    graph: Tensor | SparseTensor, edge_weight: FloatTensor | None, num_nodes: int
) -> tuple[Tensor, Tensor | None]:
    """``edge_index`` and weights of G in any form that :meth:`NormalizedAdjacency.wrap` takes, before normalisation."""
    if isinstance(graph, Tensor) and graph.layout != torch.strided:
        _check_square(tuple(graph.shape), num_nodes)
        entries = graph.to_sparse_coo().coalesce()
        return entries.indices(), entries.values()
    if isinstance(graph, SparseTensor):  # of torch_sparse; a placeholder class if that is not installed
        _check_square(tuple(graph.sparse_sizes()), num_nodes)
        row, col, value = graph.coo()
        return torch.stack([row, col]), value
    if not isinstance(graph, Tensor):
        raise OptionError(
            f"'edge_index' must be a tensor [2, E] or a sparse N x N matrix, got {type(graph).__name__}; pass "
            "graph.edge_index and graph.edge_weight."
        )
    return graph, edge_weight


def _check_square(shape: tuple[int, ...], num_nodes: int) -> None:
    if shape != (num_nodes, num_nodes):
        raise ShapeError(
            f"'edge_index' as a matrix must be [N={num_nodes}, N={num_nodes}], got {list(shape)}"
        )
