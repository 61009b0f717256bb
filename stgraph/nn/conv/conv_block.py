"""Any convolution of PyTorch Geometric as a layer of the graph encoder."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing
from torch_geometric.nn import conv as pyg_convs

from stgraph.checking import axes, checked
from stgraph.errors import OptionError, ShapeError
from stgraph.nn.conv.adjacency import check_edges
from stgraph.nn.layer import Layer, remove_generated_files
from stgraph.nn.linear import Linear
from stgraph.processes import DelayedSignals
from stgraph.typing import FloatTensor, OptionalWidth, Width

__all__ = ["ConvBlock", "pyg_conv"]


@checked
class ConvBlock(Layer):
    r"""A graph convolution with a residual connection and layer normalisation.

    .. math:: h' = \operatorname{LayerNorm}(h + \operatorname{ReLU}(\operatorname{conv}(h)))

    The convolution gets those of ``edge_weight``, ``edge_attr`` and ``edge_type`` that its ``forward`` takes, and edge
    attributes only if it was built for them (``edge_dim``).

    Args:
        conv: A convolution that keeps the width, such as ``GATv2Conv(64, 16, heads=4, edge_dim=7)``.
        channels: The width d.

    Shapes: x ``[N, d]``, edge_index ``[2, E]``, edge_weight, edge_type ``[E]``, edge_attr ``[E, D]`` -> ``[N, d]``.

    Raises:
        OptionError: If ``conv`` is no module, or needs edge attributes or types that are not given.
        ShapeError: If ``conv`` changes the width.

    Reference: the residual connection after Pan et al., CVPR 2020, Eq. 4; the normalisation is our own design.
    """

    def __init__(self, conv: nn.Module, channels: Width) -> None:
        super().__init__()
        if not isinstance(conv, nn.Module):
            raise OptionError(
                f"'conv' must be a module, such as GATv2Conv(64, 64), got {type(conv).__name__}."
            )
        self.conv, self.norm, self.channels = conv, nn.LayerNorm(channels), channels
        known = inspect.signature(conv.forward).parameters
        self._takes = [name for name in ("edge_weight", "edge_attr", "edge_type") if name in known]
        if "edge_attr" in self._takes and getattr(conv, "edge_dim", 0) is None:
            self._takes.remove("edge_attr")
        self._needs = [name for name in self._takes if name != "edge_weight"]

    @axes(x="N d=channels", edge_weight="E", edge_type="E")
    def forward(
        self,
        x: FloatTensor,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
        edge_type: Tensor | None = None,
    ) -> Tensor:
        """Computes the nodes after the layer."""
        if isinstance(edge_index, Tensor) and edge_index.layout == torch.strided:
            check_edges(edge_index, x.size(0))
        given = {"edge_weight": edge_weight, "edge_attr": edge_attr, "edge_type": edge_type}
        for name in self._needs:
            if given[name] is None:
                raise OptionError(
                    f"{type(self.conv).__name__} needs '{name}', got None; give it to the encoder, or build the convolution "
                    "without."
                )
        found = self.conv(x, edge_index, **{name: given[name] for name in self._takes})
        if found.shape != x.shape:
            raise ShapeError(
                f"'conv' must keep the nodes' [N, {self.channels}], but {type(self.conv).__name__} made {list(found.shape)} "
                f"of {list(x.shape)}; choose its out_channels and heads accordingly."
            )
        return self.norm(x + found.relu())


@checked
def pyg_conv(
    name: str,
    channels: Width,
    *,
    edge_channels: OptionalWidth = 0,
    num_kinds: Width = 1,
    arguments: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Builds a convolution of PyTorch Geometric that keeps the width, by the name of its class.

    It gets ``edge_dim`` and ``num_relations`` if its constructor has them. With several heads each has an equal part of the
    width. Self-loops are not added unless ``arguments`` say so, as they would be edges that the graph does not have.

    Args:
        name: Such as "GATv2Conv", "GINEConv", "TransformerConv" or "RGCNConv".
        channels: The width d.
        edge_channels: Channels of the edge attributes; 0 if there are none.
        num_kinds: Number of kinds of edges.
        arguments: Further arguments of the constructor, such as ``{"heads": 4}``.

    Raises:
        OptionError: If there is no such convolution, or it refuses the arguments.

    >>> pyg_conv("GATv2Conv", 8, arguments={"heads": 2})
    GATv2Conv(8, 4, heads=2)
    """
    conv_class = getattr(pyg_convs, name, None) if isinstance(name, str) and name.endswith("Conv") else None
    if not (inspect.isclass(conv_class) and issubclass(conv_class, MessagePassing)):
        raise OptionError(
            f"'conv' must be 'ResidualGCNConv' or the name of a convolution in torch_geometric.nn, such as 'GATv2Conv', got "
            f"{name!r}."
        )
    known = inspect.signature(conv_class.__init__).parameters
    given = dict(arguments or {})
    heads = given.get("heads", 1)
    if isinstance(heads, bool) or not isinstance(heads, int) or heads < 1 or channels % heads:
        raise OptionError(
            f"'heads' must be a whole number that divides the {channels} channels, got {heads!r}."
        )
    defaults: dict[str, Any] = {
        "in_channels": channels,
        "out_channels": channels // heads if given.get("concat", True) else channels,
        "edge_dim": edge_channels or None,
        "num_relations": num_kinds,
        "add_self_loops": False,
    }
    if "nn" in known:
        defaults["nn"] = nn.Sequential(Linear(channels, channels), nn.ReLU(), Linear(channels, channels))
    try:
        with DelayedSignals():  # an interrupt between the two would leave the files
            conv = conv_class(**{key: value for key, value in defaults.items() if key in known} | given)
            remove_generated_files(conv)
    except (TypeError, ValueError, AssertionError, KeyError) as error:
        raise OptionError(
            f"{name} can't be built with 'conv_arguments' {given}: {' '.join(str(error).split())[:200]}."
        ) from error
    _restore_propagate(conv_class)
    return cast(nn.Module, conv)


def _restore_propagate(conv_class: Any) -> None:
    """Corrects what PyTorch Geometric takes for the layer's own ``propagate``, which it runs for explanations.

    Of a subclass of a layer that was used before, such as ``FastRGCNConv`` after ``RGCNConv``, it takes the code that it
    generated for that layer, which has other arguments.
    """
    made, original = (getattr(conv_class, name, None) for name in ("_jinja_propagate", "_orig_propagate"))
    if made is not None and made is not original:  # equal: the class has a propagate of its own
        conv_class._orig_propagate = MessagePassing.propagate
