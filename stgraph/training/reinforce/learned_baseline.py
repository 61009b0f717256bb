"""Learned baseline of REINFORCE: the expected reward, regressed on the decoder's features."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.typing import FloatTensor, MaskTensor, Width, check_shape

__all__ = ["LearnedBaseline"]


@checked
class LearnedBaseline(nn.Module):
    r"""A linear regression of the reward on the decoder's features at each word.

    .. math:: b_l = w \cdot [f_l ; 1], \quad w = \Big(\sum_k \rho^k A_k + \epsilon n I'\Big)^{-1} \sum_k \rho^k c_k,
        \quad A_k = \sum f f^\top, \quad c_k = \sum r f

    A_k and c_k sum over the words of the k-th last call of :meth:`update`, n is the number of words weighted in the same
    way, and I' is the identity without the entry of the constant. The regression is solved in closed form, because a head
    trained at a captioner's learning rate (1e-4) would need thousands of steps to approach the mean reward. The features
    at a word do not depend on it, and w does not depend on the captions that it is applied to (predict, then update), so
    the expected gradient is unchanged.

    Args:
        channels: Width of the features.
        memory: :math:`\rho`, the decay of earlier updates, at least 0 and below 1.
        ridge: :math:`\epsilon`, the strength of the regularisation, above 0.

    Shapes: features ``[P, L, C]``, mask ``[P, L]``, rewards ``[P]`` -> ``[P, L]``; 0 before the first update.

    Raises:
        OptionError: If ``memory`` or ``ridge`` is out of its range.
        ShapeError: If a tensor has other axes.

    Reference: a linear regressor on hidden states as in Ranzato et al., ICLR 2016, arXiv 1511.06732; in closed form: house
        design.
    """

    moments: Tensor
    products: Tensor
    count: Tensor

    def __init__(self, channels: Width, *, memory: float = 0.95, ridge: float = 0.1) -> None:
        super().__init__()
        if not 0 <= memory < 1:
            raise OptionError(f"'memory' must be at least 0 and below 1, got {memory}.")
        if not ridge > 0:
            raise OptionError(f"'ridge' must be above 0, got {ridge}.")
        self.channels, self.memory, self.ridge = channels, memory, ridge
        # float64, because the solution depends on small differences between large sums.
        self.register_buffer("moments", torch.zeros(channels + 1, channels + 1, dtype=torch.float64))
        self.register_buffer("products", torch.zeros(channels + 1, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def forward(self, features: FloatTensor) -> Tensor:
        """Predicts the reward at each word from the captions of earlier updates."""
        rows = self._rows(features)
        if not self.count:
            return features.new_zeros(features.shape[:2])
        penalty = torch.full_like(self.products, self.ridge * float(self.count))
        penalty[-1] = 0.0
        weights = torch.linalg.solve(self.moments + penalty.diag(), self.products)
        return (rows @ weights).to(features.dtype)

    @torch.no_grad()
    def update(self, features: FloatTensor, mask: MaskTensor, rewards: Tensor) -> None:
        """Adds captions and their rewards, summed over all ranks."""
        check_shape("features", features, "P L C", C=self.channels)
        check_shape("mask", mask, "P L", P=features.size(0), L=features.size(1))
        check_shape("rewards", rewards, "P", P=features.size(0))
        rows = self._rows(features)[mask]
        targets = rewards.double()[:, None].expand_as(mask)[mask]
        count = self.count.new_tensor(len(rows))
        sums = (rows.T @ rows, targets @ rows, count)
        if distributed.is_available() and distributed.is_initialized():
            for each in sums:
                distributed.all_reduce(each)
        if count:
            for known, new in zip((self.moments, self.products, self.count), sums, strict=True):
                known.mul_(self.memory).add_(new)

    def _rows(self, features: Tensor) -> Tensor:
        check_shape("features", features, "P L C", C=self.channels)
        return torch.cat([features.double(), features.new_ones(*features.shape[:2], 1).double()], dim=-1)
