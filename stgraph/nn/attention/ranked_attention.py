"""Ranked temporal attention: a vector along which the frames stand in order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from stgraph.nn.layer import Layer
from stgraph.typing import check_shape

__all__ = ["RankedAttention", "ranking_loss", "ranking_terms"]


class RankedAttention(Layer):
    r"""Reads frames by an LSTM; its last hidden state w has a frame's width and shall order the frames.

    .. math:: w = \operatorname{LSTM}_\theta(\hat{x}_1, \dots, \hat{x}_T)

    It is the LSTM that orders nothing as long as :func:`ranking_loss` is not in the loss. Frames that are not real are
    passed over, also between real ones; without real frames w is zeros.

    Args:
        channels: Width of a frame and of w.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]``.
    Reference: Cherian et al., WACV 2020, Eq. 8.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.lstm = nn.LSTM(channels, channels, batch_first=True)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """The last hidden state of each caption's frames."""
        check_shape("frames", frames, "P T D", D=self.channels)
        check_shape("mask", mask, "P T", P=frames.size(0), T=frames.size(1))
        # Real frames first, in order: what comes behind the last of them cannot reach its state.
        order = mask.logical_not().to(torch.uint8).argsort(dim=1, stable=True)
        states, _ = self.lstm(frames.gather(1, order[..., None].expand_as(frames)))
        count = mask.sum(1)
        last = (count - 1).clamp(min=0)[:, None, None].expand(-1, 1, self.channels)
        return states.gather(1, last).squeeze(1).masked_fill((count == 0)[:, None], 0.0)


def ranking_terms(ranked: Tensor, frames: Tensor, margin: float = 1.0) -> Tensor:
    r"""How far each pair of neighbouring frames is from standing in order along w.

    .. math:: \operatorname{softplus}(\langle w, \hat{x}_{t-1} \rangle + \beta - \langle w, \hat{x}_t \rangle)

    The frames are constants here: the gradient goes through w alone. Otherwise drifting features would be the easiest
    way to be in order.

    Shapes: ranked w ``[P, D]``, frames ``[P, T, D]`` -> ``[P, T - 1]``.
    Reference: Cherian et al., WACV 2020, Eq. 6-7; constant frames: house design.

    >>> import torch
    >>> ranking_terms(torch.tensor([[1.0]]), torch.tensor([[[0.0], [1.0], [5.0]]]))  # softplus(0), softplus(-3)
    tensor([[0.6931, 0.0486]])
    """
    along = (frames.detach() @ ranked.unsqueeze(-1)).squeeze(-1)
    return softplus(along[:, :-1] + margin - along[:, 1:])


def ranking_loss(terms: Tensor, valid: Tensor, words: Tensor, count: Tensor | float | None = None) -> Tensor:
    """Mean of the terms over real words and valid pairs of frames; 0 where there are none.

    Args:
        terms: Of every word, as :func:`ranking_terms` gives them.
        valid: Pairs whose two frames are real.
        words: Words that are real.
        count: Replaces the number of terms where a batch is spread over devices or steps.

    Shapes: terms ``[P, L, T - 1]``, valid ``[P, T - 1]``, words ``[P, L]`` -> scalar.
    Reference: Cherian et al., WACV 2020, Eq. 6; the mean: house design.
    """
    check_shape("terms", terms, "P L T-1", P=words.size(0), L=words.size(1))
    check_shape("valid", valid, "P T-1", P=terms.size(0), **{"T-1": terms.size(2)})
    real = words.unsqueeze(2) & valid.unsqueeze(1)
    total = terms.masked_fill(~real, 0.0).sum()
    return total / (real.sum().clamp(min=1) if count is None else count)
