"""Schedules: the learning rate per step, and the teacher forcing ratio per epoch."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from stgraph.checking import checked
from stgraph.typing import Natural, Positive

__all__ = ["cosine_with_warmup", "teacher_forcing_ratio"]


@checked
def cosine_with_warmup(optimizer: Optimizer, total_steps: int, warmup_steps: int = 0) -> LambdaLR:
    """Raises the learning rate linearly over ``warmup_steps``, then lowers it to 0 at ``total_steps`` by half a cosine."""

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        done = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    return LambdaLR(optimizer, factor)


@checked
def teacher_forcing_ratio(epoch: Natural, decay: Positive = 24.0) -> float:
    r"""Probability in scheduled sampling of feeding the ground-truth word instead of the model's own.

    .. math:: \eta / (\eta + e^{p / \eta})

    with p the epoch, counted from 0, and :math:`\eta` the ``decay``.

    Reference: Cherian et al., WACV 2020, section 4.1; Bengio et al., NeurIPS 2015 (inverse sigmoid decay).

    >>> [round(teacher_forcing_ratio(epoch), 3) for epoch in (0, 10, 20)]
    [0.96, 0.941, 0.913]
    >>> teacher_forcing_ratio(71, 0.1) < 1e-300
    True
    """
    exponent = min(epoch / decay, 700.0)  # exp overflows above 709, where the ratio is 0 to 300 digits
    return decay / (decay + math.exp(exponent))
