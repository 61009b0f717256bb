"""What a loss must offer to be trained on, and what the means of an optimizer step divide by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.datasets.loading.process_shards import StepTotals

__all__ = ["CaptionLoss", "StepCounts"]


@dataclass(frozen=True)
class StepCounts:
    """What one part of an optimizer step, a process's share of one batch, divides its sums by.

    Lightning and DDP take the mean over the parts. A sum of this part divided by ``tokens`` is therefore its share of the
    mean over the whole step's tokens; a sum multiplied by ``parts`` is its share of the whole step's sum; and what every
    part has alike, such as a norm of the parameters, stays as it is.

    Args:
        tokens, frames, pairs, videos: Those of the whole step by the number of its parts.
        parts: Processes times batches of the step.
        epoch: Counted from 0.
        seed: Of what is drawn for the step's videos; the same in all its parts.

    >>> StepCounts.of(StepTotals(batches=2, pairs=8, tokens=40, frames=20, videos=2, batch_pairs=4), world_size=1)
    StepCounts(tokens=20.0, frames=10.0, pairs=4.0, videos=1.0, parts=2, epoch=0, seed=0)
    """

    tokens: float
    frames: float
    pairs: float
    videos: float
    parts: int = 1
    epoch: int = 0
    seed: int = 0

    @classmethod
    def of(cls, totals: StepTotals, world_size: int, epoch: int = 0, seed: int = 0) -> StepCounts:
        """From the totals of a step that ``world_size`` processes share."""
        parts = world_size * totals.batches
        return cls(
            tokens=totals.tokens / parts,
            frames=totals.frames / parts,
            pairs=totals.pairs / parts,
            videos=totals.videos / parts,
            parts=parts,
            epoch=epoch,
            seed=seed,
        )


class CaptionLoss(Protocol):
    """The seam between training and a system: how the loss of a batch comes from its model."""

    def of_batch(self, model: Any, batch: CaptionBatch, step: StepCounts) -> dict[str, Tensor]:
        """All parts of the loss by name, "loss" their weighted sum among them; all but "loss" are only logged.

        A batch without words (all tokens 0) must add zeros, through all parameters.
        """
