"""Ranked temporal attention: an LSTM whose state ranks the frames by their order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from stgraph.checking import axes, checked, described
from stgraph.errors import OptionError
from stgraph.nn.layer import Layer
from stgraph.typing import FloatTensor, MaskTensor, Positive, Width, check_shape

__all__ = ["RankedAttention", "ranking_loss", "ranking_terms"]


@checked
class RankedAttention(Layer):
    r"""Encodes the frames with an LSTM; its last hidden state w has the width of a frame and should rank them in order.

    .. math:: w = \operatorname{LSTM}_\theta(\hat{x}_1, \dots, \hat{x}_T)

    The order is enforced by :func:`ranking_loss`; without that term it is a plain LSTM. Masked frames are skipped, also
    between real ones; without real frames w is zero.

    Args:
        channels: Width of a frame and of w.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]``.

    Reference: Cherian et al., WACV 2020, Eq. 8.
    """

    def __init__(self, channels: Width) -> None:
        super().__init__()
        self.channels = channels
        self.lstm = nn.LSTM(channels, channels, batch_first=True)

    @axes(frames="P T D=channels", mask="P T")
    def forward(self, frames: FloatTensor, mask: MaskTensor) -> Tensor:
        """Computes the last hidden state over the real frames of each caption."""
        check_shape("frames", frames, "P T D", D=self.channels)
        check_shape("mask", mask, "P T", P=frames.size(0), T=frames.size(1))
        # Real frames first, in order: what comes behind the last of them cannot reach its state.
        order = mask.logical_not().to(torch.uint8).argsort(dim=1, stable=True)
        states, _ = self.lstm(frames.gather(1, order[..., None].expand_as(frames)))
        count = mask.sum(1)
        last = (count - 1).clamp(min=0)[:, None, None].expand(-1, 1, self.channels)
        return states.gather(1, last).squeeze(1).masked_fill((count == 0)[:, None], 0.0)


@checked
@axes(ranked="P D", frames="P T D")
def ranking_terms(
    ranked: FloatTensor, frames: FloatTensor, margin: float = 1.0, *, detach: bool = True
) -> Tensor:
    r"""Computes by how much each pair of neighbouring frames violates the order along w.

    .. math:: \operatorname{softplus}(\langle w, \hat{x}_{t-1} \rangle + \beta - \langle w, \hat{x}_t \rangle)

    Frames are detached by default, so that the gradient reaches w alone; otherwise the features could drift to satisfy the
    loss. The paper prints no such restriction and lets the loss train the spatial attention, too (``detach=False``).

    Shapes: ranked w ``[P, D]``, frames ``[P, T, D]`` -> ``[P, T - 1]``.

    Reference: Cherian et al., WACV 2020, Eq. 6-7; detached frames: our own design.

    >>> import torch
    >>> ranking_terms(torch.tensor([[1.0]]), torch.tensor([[[0.0], [1.0], [5.0]]]))  # softplus(0), softplus(-3)
    tensor([[0.6931, 0.0486]])
    """
    if ranked.dtype != frames.dtype and not torch.is_autocast_enabled(frames.device.type):
        raise OptionError(
            f"'ranked' and 'frames' must have one precision, got {described(ranked)} and {described(frames)}."
        )
    along = ((frames.detach() if detach else frames) @ ranked.unsqueeze(-1)).squeeze(-1)
    return softplus(along[:, :-1] + margin - along[:, 1:])


@checked
@axes(terms="P L T-1", valid="P T-1", words="P L")
def ranking_loss(
    terms: FloatTensor, valid: MaskTensor, words: MaskTensor, count: Tensor | Positive | None = None
) -> Tensor:
    """Mean of the ranking terms over real words and valid pairs of frames; 0 if there are none.

    Args:
        terms: Terms of every word from :func:`ranking_terms`.
        valid: Pairs of frames that are both real.
        words: Words that are real.
        count: Replaces the number of terms if a batch is spread over devices or steps.

    Shapes: terms ``[P, L, T - 1]``, valid ``[P, T - 1]``, words ``[P, L]`` -> scalar.

    Reference: Cherian et al., WACV 2020, Eq. 6; the mean: our own design.
    """
    check_shape("terms", terms, "P L T-1", P=words.size(0), L=words.size(1))
    check_shape("valid", valid, "P T-1", P=terms.size(0), **{"T-1": terms.size(2)})
    if isinstance(count, Tensor):
        check_shape("count", count, "")
    real = words.unsqueeze(2) & valid.unsqueeze(1)
    total = terms.masked_fill(~real, 0.0).sum()
    return total / (real.sum().clamp(min=1) if count is None else count)
