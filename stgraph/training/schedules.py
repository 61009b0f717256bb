"""What changes over a run: learning rates by step, how often given words are fed by epoch."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["cosine_with_warmup", "teacher_forcing_ratio"]


def cosine_with_warmup(optimizer: Optimizer, total_steps: int, warmup_steps: int = 0) -> LambdaLR:
    """Rises to the optimizer's rate over ``warmup_steps``, then falls to 0 at ``total_steps`` along half a cosine."""

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        done = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    return LambdaLR(optimizer, factor)


def teacher_forcing_ratio(epoch: int, decay: float = 24.0) -> float:
    r"""Share of words that are the given ones in scheduled sampling, the model's own being the others.

    .. math:: \eta / (\eta + e^{p / \eta})

    with p the epoch, owned from 0, and :math:`\eta` the ``decay``.

    Reference: Cherian et al., WACV 2020, section 4.1; Bengio et al., NeurIPS 2015 (inverse sigmoid decay).

    >>> [round(teacher_forcing_ratio(epoch), 3) for epoch in (0, 10, 20)]
    [0.96, 0.941, 0.913]
    >>> teacher_forcing_ratio(71, 0.1) < 1e-300
    True
    """
    exponent = min(epoch / decay, 700.0)  # floats end at 709, where the share is 0 to 300 digits
    return decay / (decay + math.exp(exponent))
