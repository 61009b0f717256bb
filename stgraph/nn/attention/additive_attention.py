"""Additive attention of a language state over a set of vectors."""

from __future__ import annotations

import math

from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.nn.masking import masked_softmax
from stgraph.typing import FloatTensor, MaskTensor, Positive, Width, check_shape

__all__ = ["AdditiveAttention"]


@checked
class AdditiveAttention(Layer):
    r"""Attention weights of vectors x_1 .. x_S for a query h; masked vectors get weight 0.

    .. math:: e_s = \operatorname{softmax}_s\big(w^T \tanh(W_h h + W_x x_s + b) / \tau\big)

    Keys :math:`W_x x` do not depend on the query, so :meth:`keys` computes them once per video for all words of all its
    captions. They are linear in x (b belongs to the query), so the keys of a weighted mean of vectors are the weighted mean
    of their keys. The scalar that STAT adds to the score cancels in the softmax and is left out.

    Args:
        in_channels: Width D of x.
        query_channels: Width H of h.
        hidden_channels: Width A of the common space.
        temperature: :math:`\tau`; towards 0 the softmax becomes an argmax.

    Shapes: query ``[P, H]``, keys ``[P, ..., S, A]``, mask ``[P, ..., S]`` (True where real, None where all are) ->
        ``[P, ..., S]``, summing to 1 along S, or zeros where everything is masked.

    Raises:
        OptionError: If ``temperature`` is not above 0.
        ShapeError: If the query has another width, or the mask another shape.

    Reference: Cherian et al., WACV 2020, Eq. 1-2; Bahdanau et al., arXiv 1409.0473.
    """

    def __init__(
        self,
        in_channels: Width,
        query_channels: Width,
        hidden_channels: Width,
        *,
        temperature: Positive = 1.0,
    ) -> None:
        super().__init__()
        if not (math.isfinite(temperature) and temperature > 0):
            raise OptionError(f"'temperature' must be above 0, got {temperature}.")
        self.query_channels, self.temperature = query_channels, temperature
        self.key = Linear(in_channels, hidden_channels, bias=False)
        self.query = Linear(query_channels, hidden_channels)
        self.score = Linear(hidden_channels, 1, bias=False)

    @axes(x="... D=key.in_features")
    def keys(self, x: FloatTensor) -> Tensor:
        """Computes the part of the scores that doesn't depend on the query, ``[..., D]`` -> ``[..., A]``."""
        return self.key(x)

    @axes(query="P H=query_channels", keys="P ... A=key.out_features", mask="P ...")
    def forward(self, query: FloatTensor, keys: FloatTensor, mask: MaskTensor | None = None) -> Tensor:
        """Computes the weights of Eq. 1 for P queries, each over its own vectors."""
        scores = self.scores(query, keys)
        if mask is not None and mask.shape != scores.shape:
            check_shape("mask", mask, " ".join(str(size) for size in scores.shape))
        return masked_softmax(scores, mask, self.temperature)

    @axes(query="P H=query_channels", keys="P ... A=key.out_features")
    def scores(self, query: FloatTensor, keys: FloatTensor) -> Tensor:
        """Computes the scores of Eq. 2, before the softmax, ``[P, ..., S]``."""
        check_shape("query", query, "P H", H=self.query_channels)
        between = (1,) * (keys.dim() - 2)
        return self.score((self.query(query).view(len(query), *between, -1) + keys).tanh()).squeeze(-1)
