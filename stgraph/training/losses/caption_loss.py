"""The base class of losses, and the counts by which they take means over an optimizer step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.datasets.loading.process_shards import StepTotals
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel
from stgraph.typing import Count

__all__ = ["CaptionLoss", "StepCounts"]


@checked
@dataclass(frozen=True)
class StepCounts:
    """The counts by which one part of an optimizer step, a rank's share of one batch, divides its sums.

    Lightning and DDP average over the parts. A sum of this part divided by ``tokens`` is therefore its share of the mean
    over the whole step's tokens; a sum multiplied by ``parts`` is its share of the whole step's sum; and a term that is
    equal in all parts, such as a norm of the parameters, stays as it is.

    Args:
        tokens: Words to predict in the whole step, divided by the number of its parts.
        frames: Frames of the step's videos, divided likewise.
        pairs: Captions of the step, divided likewise.
        videos: Videos of the step, divided likewise.
        parts: Ranks times batches of the step.
        epoch: Counted from 0.
        seed: Seed for what is drawn for the step's videos; the same in all its parts.

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
    def of(cls, totals: StepTotals, world_size: Count, epoch: int = 0, seed: int = 0) -> StepCounts:
        """From the totals of a step that ``world_size`` ranks share."""
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

    @classmethod
    def of_batch(cls, batch: CaptionBatch, epoch: int = 0, seed: int = 0) -> StepCounts:
        """Of a step that consists of this batch alone."""
        words = batch.tokens[:, 1:] != 0
        return cls(
            tokens=max(1.0, float(words.sum())),
            frames=float(torch.as_tensor(batch.graphs.num_frames).sum()),
            pairs=max(1.0, float(words.any(1).sum())),
            videos=float(len(batch.video_ids)),
            epoch=epoch,
            seed=seed,
        )


@checked
class CaptionLoss(nn.Module, ABC):
    """Loss of a batch of captions under a model.

    Reference: our own design.
    """

    @abstractmethod
    def forward(
        self, model: CaptioningModel, batch: CaptionBatch, step: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """All terms of the loss by name, with their weighted sum under "loss"; the others are only logged.

        A batch without words (all tokens 0) must yield zeros through all parameters, so that every parameter takes part
        in the all-reduce.

        Args:
            model: The model that is trained.
            batch: Graphs and captions.
            step: The optimizer step that the batch is part of; None means that it is the whole step.
        """


def cross_entropy_sum(logits: Tensor, words: Tensor, label_smoothing: float) -> Tensor:
    """Cross-entropy summed over M words, in float32: logits ``[M, V]``, words ``[M]`` -> a scalar."""
    return nn.functional.cross_entropy(
        logits.float(), words, reduction="sum", label_smoothing=label_smoothing
    )


def check_label_smoothing(value: float) -> None:
    """Raises an OptionError unless the value is in [0, 1)."""
    if not 0 <= value < 1:
        raise OptionError(f"'label_smoothing' must be in [0, 1), got {value}; 0.1 is common.")
