"""Preprocessing of extracted features before an encoder projects them."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import dropout, layer_norm

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.typing import FloatTensor, Probability

__all__ = ["InputFeatures"]

NORMS = (None, "layer")


@checked
class InputFeatures(nn.Module):
    r"""Normalises features and drops some of them in training; has no parameters and takes any width.

    .. math:: \text{dropout}_p\Big(\frac{x - \bar{x}}{\sqrt{\operatorname{var}(x) + 10^{-5}}}\Big)

    with mean and variance over the channels of each vector. Features after a ReLU are never negative, and most of their
    energy is common to all videos.

    Args:
        norm: "layer" is the formula; None leaves the scale as it is.
        dropout: p, the share of channels dropped in a training step, drawn for each vector.

    Shapes: x ``[..., F]`` -> ``[..., F]``; a constant vector (an absent object's zeros) becomes zeros.

    Raises:
        OptionError: If ``norm`` is unknown, or ``dropout`` is not in [0, 1).

    Reference: our own design, beyond the papers; Ba et al., arXiv 1607.06450; Srivastava et al., JMLR 2014.

    >>> import torch
    >>> InputFeatures("layer")(torch.tensor([[1.0, 3.0], [10.0, 30.0]]))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    def __init__(self, norm: str | None = None, dropout: Probability = 0.0) -> None:
        super().__init__()
        if norm not in NORMS:
            raise OptionError(f"'norm' must be one of {NORMS}, got {norm!r}.")
        if not 0 <= dropout < 1:
            raise OptionError(f"'dropout' must be at least 0 and below 1, got {dropout}.")
        self.norm, self.dropout = norm, dropout

    @axes(x="... F")
    def forward(self, x: FloatTensor) -> Tensor:
        """Normalises and drops."""
        if self.norm == "layer":
            x = layer_norm(x, x.shape[-1:])
        return dropout(x, self.dropout, self.training) if self.dropout else x
