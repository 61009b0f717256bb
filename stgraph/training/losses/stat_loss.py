"""Loss of STAT."""

from __future__ import annotations

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel, RecurrentCaptioner
from stgraph.nn import doubly_stochastic_penalty
from stgraph.training.losses.caption_loss import (
    CaptionLoss,
    StepCounts,
    check_label_smoothing,
    cross_entropy_sum,
)

__all__ = ["STATLoss"]


@checked
class STATLoss(CaptionLoss):
    r"""Sums the language loss, weight decay and the doubly stochastic attention penalty.

    .. math:: L = \frac{1}{P} \sum_p \sum_l -\log P(w_{pl}) + \lambda \sum_\theta \theta^2 +
        \gamma \sum_z \sum_p \operatorname{mean}_i \Big(1 - \sum_l a^z_{pli}\Big)^2

    The first term sums the token losses of a caption and averages over the step's P captions. The last one sums over
    captions and attention maps, as in the released code, so it grows with the batch.

    Args:
        weight_decay: :math:`\lambda`, applied in the loss instead of the optimizer.
        attention_weight: :math:`\gamma`; 0 leaves the term out.
        label_smoothing: As in :class:`~stgraph.training.LanguageLoss`; not in the paper.

    Raises:
        OptionError: If a weight is negative, or the smoothing is outside [0, 1).

    Reference: Tu et al., ACM MM 2017, the authors' released code; :func:`~stgraph.nn.doubly_stochastic_penalty`.
    """

    def __init__(
        self, *, weight_decay: float = 1e-4, attention_weight: float = 0.70602, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        check_label_smoothing(label_smoothing)
        lowest = min(weight_decay, attention_weight)
        if lowest < 0:
            raise OptionError(f"Loss weights must not be negative, got {lowest}.")
        self.weight_decay, self.attention_weight = weight_decay, attention_weight
        self.label_smoothing = label_smoothing

    def forward(
        self, model: CaptioningModel, batch: CaptionBatch, step: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """All terms by name; see :class:`~stgraph.training.CaptionLoss`.

        Raises:
            OptionError: If the model has no recurrent language model.
        """
        if not isinstance(model, RecurrentCaptioner):
            raise OptionError(f"'loss' must be of the model's system, '{model.loss_name}', got a STATLoss.")
        step = StepCounts.of_batch(batch) if step is None else step
        targets = batch.tokens[:, 1:]
        real = targets != 0
        out = model.teacher_forced(batch.graphs, batch.tokens[:, :-1], batch.video)
        words = cross_entropy_sum(out.logits[real], targets[real], self.label_smoothing)
        squares = torch.stack([parameter.square().sum() for parameter in model.parameters()]).sum()
        parts = {"language": words / step.pairs, "weights": squares}
        total = parts["language"] + self.weight_decay * squares
        if self.attention_weight:
            captioned = real.any(1)  # a rank without pairs has one caption of padding only
            penalty = doubly_stochastic_penalty(
                {name: weights[captioned].float() for name, weights in out.attention.items()},
                {name: mask[captioned] for name, mask in out.masks.items()},
                real[captioned],
            )
            parts["attention"] = penalty * step.parts
            total = total + self.attention_weight * parts["attention"]
        return {"loss": total, **parts}
