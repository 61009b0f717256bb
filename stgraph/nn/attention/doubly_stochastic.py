"""Penalty on places that get too much attention over a caption, or none."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.errors import OptionError, shown
from stgraph.typing import MaskTensor, check_shape

__all__ = ["doubly_stochastic_penalty"]


@checked
@axes(words="P L")
def doubly_stochastic_penalty(
    weights: Mapping[str, Tensor], masks: Mapping[str, Tensor], words: MaskTensor
) -> Tensor:
    r"""Squared difference between 1 and the total attention that a place gets over the words of a caption.

    .. math:: \sum_z \sum_p \operatorname{mean}_i \Big(1 - \sum_l a^z_{pli}\Big)^2

    Sums run over real words and means over the real places of one caption, so padding changes nothing; without padding the
    value equals the released code's mean of a sum over the batch.

    Args:
        weights: Attention weights by name.
        masks: Real places of each attention.
        words: Real words.

    Shapes: weights ``[P, L, ...]``, masks ``[P, ...]``, words ``[P, L]`` -> scalar.

    Raises:
        OptionError: If a mask is missing.
        ShapeError: If a mask has other places than its weights.

    Reference: Tu et al., ACM MM 2017, the authors' released code; Xu et al., ICML 2015, section 4.2.1.

    >>> import torch
    >>> seen = torch.tensor([[[0.5, 0.5], [0.0, 1.0]]])  # one caption, two words, two frames: 0.5 and 1.5 in total
    >>> every = torch.ones(1, 2, dtype=torch.bool)
    >>> doubly_stochastic_penalty({"frames": seen}, {"frames": every}, every)
    tensor(0.2500)
    """
    total = torch.zeros((), device=words.device)
    if missing := weights.keys() - masks.keys():
        raise OptionError(
            f"'masks' must have the names of 'weights', got none of '{shown(min(missing), 60)}'."
        )
    for name, attention in weights.items():
        mask = masks[name].flatten(1)
        seen = attention.flatten(2)
        check_shape(f"weights['{name}']", seen, "P L places", P=words.size(0), L=words.size(1))
        check_shape(f"masks['{name}']", mask, "P places", P=words.size(0), places=seen.size(2))
        often = seen.masked_fill(~words.unsqueeze(2), 0.0).sum(1)
        squares = (1 - often).square().masked_fill(~mask, 0.0)
        total = total + (squares.sum(1) / mask.sum(1).clamp(min=1)).sum()
    return total
