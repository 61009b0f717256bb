"""Supervised loss of STaTS, without rewards."""

from __future__ import annotations

from torch import Tensor

from stgraph.checking import checked
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel, RecurrentCaptioner
from stgraph.nn import ranking_loss
from stgraph.training.losses.caption_loss import (
    CaptionLoss,
    StepCounts,
    check_label_smoothing,
    cross_entropy_sum,
)
from stgraph.training.schedules import teacher_forcing_ratio

__all__ = ["STaTSLoss"]


@checked
class STaTSLoss(CaptionLoss):
    r"""Sums the language loss under scheduled sampling and the ranking loss of ranked attention.

    .. math:: L = -\frac{1}{M} \sum_{p,l} \log P(w_{pl}) + \frac{\lambda}{M} \sum_{p,l} \operatorname{mean}_t
        \operatorname{softplus}(\langle w, \hat{x}_{t-1} \rangle + \beta - \langle w, \hat{x}_t \rangle)

    M is the number of real tokens of the step, end tokens included. The mean over t runs over adjacent real frames of the
    caption's own video, so it does not depend on the other videos of the batch. Models without ranked attention have only
    the first term.

    Args:
        ranking_weight: :math:`\lambda`; 0 leaves the term out.
        sampling_decay: :math:`\eta` of :func:`~stgraph.training.teacher_forcing_ratio`; None always feeds the ground truth.
        label_smoothing: As in :class:`~stgraph.training.LanguageLoss`; not in the paper.

    Raises:
        OptionError: If a weight is negative, the decay is not above 0, or the smoothing is outside [0, 1).

    Reference: Cherian et al., WACV 2020, Eq. 6 and sections 3.4 and 4.1; the means: our own design.
    """

    def __init__(
        self,
        *,
        ranking_weight: float = 0.1,
        sampling_decay: float | None = 24.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        check_label_smoothing(label_smoothing)
        if ranking_weight < 0:
            raise OptionError(f"'ranking_weight' must not be negative, got {ranking_weight}.")
        if sampling_decay is not None and sampling_decay <= 0:
            raise OptionError(f"'sampling_decay' must be above 0 or None, got {sampling_decay}.")
        self.ranking_weight, self.sampling_decay = ranking_weight, sampling_decay
        self.label_smoothing = label_smoothing

    def forward(
        self, model: CaptioningModel, batch: CaptionBatch, step: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """All terms by name; see :class:`~stgraph.training.CaptionLoss`.

        Raises:
            OptionError: If the model has no recurrent language model.
        """
        if not isinstance(model, RecurrentCaptioner):
            raise OptionError(f"'loss' must be of the model's system, '{model.loss_name}', got a STaTSLoss.")
        step = StepCounts.of_batch(batch) if step is None else step
        targets = batch.tokens[:, 1:]
        real = targets != 0
        ratio = 1.0 if self.sampling_decay is None else teacher_forcing_ratio(step.epoch, self.sampling_decay)
        out = model.teacher_forced(
            batch.graphs, batch.tokens[:, :-1], batch.video, teacher_forcing_ratio=ratio
        )
        words = cross_entropy_sum(out.logits[real], targets[real], self.label_smoothing)
        parts = {"language": words / step.tokens}
        total = parts["language"]
        if self.ranking_weight and out.ranking is not None and out.ranking_mask is not None:
            valid = out.ranking_mask
            mean_over_pairs = out.ranking.float() / valid.sum(1).clamp(min=1)[:, None, None]
            parts["ranking"] = ranking_loss(mean_over_pairs, valid, real, step.tokens)
            total = total + self.ranking_weight * parts["ranking"]
        return {"loss": total, **parts}
