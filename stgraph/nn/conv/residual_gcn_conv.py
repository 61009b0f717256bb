"""The graph convolution of STG-KD."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.nn import MessagePassing

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.conv.adjacency import AnyAdjacency, NormalizedAdjacency
from stgraph.nn.layer import remove_generated_files, uninitialized_linear
from stgraph.processes import DelayedSignals
from stgraph.typing import FloatTensor, Width, check_shape

__all__ = ["ResidualGCNConv"]


@checked
class ResidualGCNConv(MessagePassing):
    r"""Graph convolution with a residual connection over a normalised, directed, weighted graph.

    .. math:: H^{(l+1)} = \mathrm{ReLU}(H^{(l)} + \Lambda^{-1/2} G \Lambda^{-1/2} H^{(l)} W^{(l)})

    The layer normalises the graph itself and adds no self-loops: G contains those it should have.

    Args:
        channels: Width of a node, before and after.
        flow: ``"target_to_source"``, Eq. 4 read literally: node i aggregates its row, that is the next frame.
            ``"source_to_target"``: messages follow the edges, that is time.

    Shapes: x ``[N, channels]``, edge_index ``[2, E]`` with i in row 0, edge_weight ``[E]`` -> ``[N, channels]``. In place of
        edge_index also a :class:`NormalizedAdjacency` (built once, shared by layers), ``EdgeIndex``,
        ``torch_sparse.SparseTensor`` or sparse ``[N, N]`` tensor with G_ij at [i, j].

    Raises:
        OptionError: If ``flow`` is unknown.
        ShapeError: If ``x`` has another width, or the graph another number of nodes.

    Reference: Pan et al., CVPR 2020, Eq. 4.
    """

    def __init__(self, channels: Width, *, flow: str = "target_to_source") -> None:
        if flow not in ("target_to_source", "source_to_target"):
            raise OptionError(f"'flow' must be 'target_to_source' or 'source_to_target', got {flow!r}.")
        with DelayedSignals():  # an interrupt between the two would leave the files
            super().__init__(aggr="add", flow=flow)
            remove_generated_files(self)
        self.channels = channels
        self.lin = uninitialized_linear(channels, channels, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws W again."""
        super().reset_parameters()
        self.lin.reset_parameters()

    def forward(
        self, x: FloatTensor, edge_index: AnyAdjacency, edge_weight: FloatTensor | None = None
    ) -> Tensor:
        """Applies Eq. 4."""
        check_shape("x", x, "N channels", channels=self.channels)
        graph = NormalizedAdjacency.wrap(edge_index, edge_weight, x.size(0))
        h = self.lin(x)
        if self.explain:  # torch_geometric.explain masks single edges, which only the edge-level path has
            gathered = self.propagate(graph.edge_index, x=h, weight=graph.weight, size=(x.size(0), x.size(0)))
        else:
            gathered = graph.matmul(h, transpose=self.flow == "source_to_target")
        return gathered.add_(x).relu_()  # in place: neither is needed in the backward pass

    @axes(x_j="E F", weight="E")
    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:  # plain types, which PyG copies into its code
        """Message of each edge."""
        return x_j * weight[:, None]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, flow={self.flow!r})"
