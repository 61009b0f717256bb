"""Encoder of objects and their graph: one vector per frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stgraph.checking import axes, check_values, checked
from stgraph.errors import OptionError
from stgraph.nn.conv import ConvBlock, NormalizedAdjacency, RelativeGeometry, ResidualGCNConv
from stgraph.nn.conv.adjacency import AnyAdjacency, edges_of
from stgraph.nn.encoder.input_features import InputFeatures
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.nn.padding import total_frames
from stgraph.nn.pool import FrameMeanPool
from stgraph.typing import FloatTensor, IndexTensor, OptionalWidth, Width, check_shape

__all__ = ["GraphEncoder"]


@checked
class GraphEncoder(Layer):
    r"""The object branch up to the language model: projection, graph convolutions, pooling of each frame.

    .. math:: H^{(0)} = F_o W_o, \quad H^{(l+1)} = \text{Eq. 4}, \quad F'_o = \text{frame means of } H^{(N_l)}

    Args:
        in_channels: Width F of an object's feature.
        hidden_channels: Width d of nodes and frames.
        num_layers: Number of graph convolutions; 0 leaves the projection only.
        flow: Direction of the messages; see :class:`ResidualGCNConv`.
        pool: From nodes, frame numbers and number of frames to frames; None takes :class:`FrameMeanPool`.
        geometry: Weighs the edges by their boxes before they are normalised; None leaves them, as in the paper.
        inputs: Preprocessing of the objects' features; None leaves them, as in the paper.
        convs: Convolutions of PyTorch Geometric, or others with their ``forward``, in place of the ``num_layers`` of the
            paper; each becomes a :class:`ConvBlock`.

    Shapes: x ``[N, F]``, edge_index ``[2, E]``, edge_weight ``[E]``, frame ``[N]``, box ``[N, 4]`` (for ``geometry``
        alone), edge_attr ``[E, D]`` and edge_type ``[E]`` (for ``convs`` that take them) -> ``[num_frames, d]``.

    Raises:
        OptionError: If ``geometry`` lacks layers, boxes or the edges before normalisation.
        ShapeError: If ``x`` has another width.

    Reference: Pan et al., CVPR 2020, Eq. 4-5 and section 3.2.
    """

    def __init__(
        self,
        in_channels: Width,
        hidden_channels: Width,
        num_layers: OptionalWidth = 3,
        *,
        flow: str = "target_to_source",
        pool: nn.Module | None = None,
        geometry: RelativeGeometry | None = None,
        inputs: InputFeatures | None = None,
        convs: Sequence[nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if geometry is not None and (num_layers == 0 or convs is not None):
            raise OptionError(
                "'geometry' must be None without graph convolutions of the paper, whose edges it weighs; 'convs' take edge "
                "attributes instead."
            )
        self.in_channels = in_channels
        self.inputs = InputFeatures() if inputs is None else inputs
        self.project = Linear(in_channels, hidden_channels, bias=False)
        self.layers = nn.ModuleList(
            (ResidualGCNConv(hidden_channels, flow=flow) for _ in range(num_layers))
            if convs is None
            else (ConvBlock(conv, hidden_channels) for conv in convs)
        )
        self.uses_convs = convs is not None
        self.pool = FrameMeanPool() if pool is None else pool
        self.geometry = geometry

    @axes(x="N F=in_channels", edge_weight="E", frame="N", box="N 4")
    def forward(
        self,
        x: FloatTensor,
        edge_index: AnyAdjacency,
        edge_weight: FloatTensor | None,
        frame: IndexTensor,
        num_frames: int | Tensor,
        box: FloatTensor | None = None,
        *,
        edge_attr: FloatTensor | None = None,
        edge_type: IndexTensor | None = None,
    ) -> Tensor:
        """Encodes the frames of all videos of a batch.

        Args:
            x: Features of the objects.
            edge_index: Edges, or another form of the graph that :class:`ResidualGCNConv` takes.
            edge_weight: Weights of the edges; None for 1, and for forms that hold them.
            frame: Frame of each object, numbered through the batch.
            num_frames: Number of frames: ``graph.num_frames``, or ``batch.num_frames`` with one number per video.
            box: Corners of the objects, which ``geometry`` reads.
            edge_attr: Attributes of the edges, such as those of :class:`EdgeAttributes`.
            edge_type: Kind of each edge as a number.

        Raises:
            OptionError: If ``num_frames`` is not a whole number or an integer tensor.
        """
        total = total_frames(num_frames)
        check_values("frame", frame, total)
        nodes = self.nodes(x, edge_index, edge_weight, box, edge_attr=edge_attr, edge_type=edge_type)
        return self.pool(nodes, frame, total)

    @axes(x="N F=in_channels", edge_weight="E", box="N 4")
    def nodes(
        self,
        x: FloatTensor,
        edge_index: AnyAdjacency,
        edge_weight: FloatTensor | None,
        box: FloatTensor | None = None,
        *,
        edge_attr: FloatTensor | None = None,
        edge_type: IndexTensor | None = None,
    ) -> Tensor:
        """Computes the objects after the last convolution ``[N, d]``."""
        check_shape("x", x, "N F", F=self.in_channels)
        h = self.project(self.inputs(x))
        if self.uses_convs:
            for layer in self.layers:
                h = layer(h, edge_index, edge_weight, edge_attr, edge_type)
        elif len(self.layers):
            graph = self._graph(edge_index, edge_weight, box, x.size(0))
            for layer in self.layers:
                h = layer(h, graph)
        return h

    def _graph(
        self, edge_index: AnyAdjacency, edge_weight: Tensor | None, box: Tensor | None, num_nodes: int
    ) -> NormalizedAdjacency:
        if self.geometry is not None:
            if box is None:
                raise OptionError(
                    "'box' must be given where edges are weighed by geometry, got None; pass graph.box."
                )
            check_shape("box", box, "N 4", N=num_nodes)
            edge_index, edge_weight = edges_of(edge_index, edge_weight, num_nodes)
            if edge_weight is None:
                edge_weight = torch.ones(edge_index.size(1), device=box.device)
            edge_weight = self.geometry(box, edge_index, edge_weight)
        return NormalizedAdjacency.wrap(edge_index, edge_weight, num_nodes)
