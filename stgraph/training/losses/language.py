"""Cross-entropy of the given words."""

from __future__ import annotations

from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.models import CaptioningModel
from stgraph.training.losses.caption_loss import CaptionLoss, StepCounts

__all__ = ["LanguageLoss"]


@checked
class LanguageLoss(CaptionLoss):
    r"""Mean negative log-likelihood of the step's words, summed over the model's branches.

    .. math:: L = -\sum_b \frac{1}{M} \sum_{p,l} \log P_b(w_{pl})

    with M the step's words, end tokens included. It is the default loss of models that name no other.

    Shapes: logits ``[P, L, V]`` by branch, tokens ``[P, L + 1]`` -> scalars by name.
    Reference: our own design.
    """

    def forward(
        self, model: CaptioningModel, batch: CaptionBatch, step: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """All terms by name; see :class:`~stgraph.training.CaptionLoss`."""
        step = StepCounts.of_batch(batch) if step is None else step
        targets = batch.tokens[:, 1:]
        real = targets != 0
        terms = {
            f"{branch}_language": nn.functional.cross_entropy(
                logits[real].float(), targets[real], reduction="sum"
            )
            / step.tokens
            for branch, logits in model(batch.graphs, batch.tokens[:, :-1], batch.video).items()
        }
        return {"loss": sum(terms.values(), start=next(iter(terms.values())).new_zeros(())), **terms}
