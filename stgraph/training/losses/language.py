"""Cross-entropy of the given words."""

from __future__ import annotations

from torch import Tensor

from stgraph.checking import checked
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.models import CaptioningModel
from stgraph.training.losses.caption_loss import (
    CaptionLoss,
    StepCounts,
    check_label_smoothing,
    cross_entropy_sum,
)

__all__ = ["LanguageLoss"]


@checked
class LanguageLoss(CaptionLoss):
    r"""Mean negative log-likelihood of the step's words, summed over the model's branches.

    .. math:: L = -\sum_b \frac{1}{M} \sum_{p,l} \log P_b(w_{pl})

    with M the step's words, end tokens included. It is the default loss of models that name no other.

    Args:
        label_smoothing: Share of the probability that the target spreads evenly over the vocabulary, below 1.

    Shapes: logits ``[P, L, V]`` by branch, tokens ``[P, L + 1]`` -> scalars by name.

    Raises:
        OptionError: If the share is outside [0, 1).

    Reference: our own design; label smoothing: Szegedy et al., CVPR 2016, section 7.
    """

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        check_label_smoothing(label_smoothing)
        self.label_smoothing = label_smoothing

    def forward(
        self, model: CaptioningModel, batch: CaptionBatch, step: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """All terms by name; see :class:`~stgraph.training.CaptionLoss`."""
        step = StepCounts.of_batch(batch) if step is None else step
        targets = batch.tokens[:, 1:]
        real = targets != 0
        terms = {
            f"{branch}_language": cross_entropy_sum(logits[real], targets[real], self.label_smoothing)
            / step.tokens
            for branch, logits in model(batch.graphs, batch.tokens[:, :-1], batch.video).items()
        }
        return {"loss": sum(terms.values(), start=next(iter(terms.values())).new_zeros(())), **terms}
