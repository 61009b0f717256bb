"""A system's own loss, and from some epoch on what drawn captions are worth."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.errors import OptionError
from stgraph.training.losses.caption_loss import CaptionLoss, StepCounts
from stgraph.training.reinforce.reinforce import Reinforce

__all__ = ["RewardedLoss"]

LOGGED = ("reward", "baseline", "unfinished")


class RewardedLoss(nn.Module):
    r"""The loss of any of the systems with REINFORCE beside it.

    .. math:: L = \lambda_{ce} L_{system} + \lambda_r L_{reinforce}

    Before ``from_epoch`` it is the system's loss alone. Captions are drawn of each video of a step once, by the branch that
    the system is tested by, whatever the number of its given captions.

    Args:
        loss: Of the system.
        reinforce: Draws, rewards and says :math:`L_{reinforce}`, a mean over the step's drawn captions.
        weight: :math:`\lambda_r`.
        loss_weight: :math:`\lambda_{ce}` from that epoch on; 0 trains on rewards alone.
        from_epoch: The first epoch with rewards, owned from 0.

    Raises: OptionError: A negative weight or epoch, or two weights of 0.
    Reference: Cherian et al., WACV 2020, section 3.4 (rewards after about 10 epochs); the weights: house design.
    """

    def __init__(
        self,
        loss: CaptionLoss,
        reinforce: Reinforce,
        *,
        weight: float = 1.0,
        loss_weight: float = 1.0,
        from_epoch: int = 10,
    ) -> None:
        super().__init__()
        for name, value in (("weight", weight), ("loss_weight", loss_weight), ("from_epoch", from_epoch)):
            if value < 0:
                raise OptionError(f"'{name}' of the rewards must not be negative, got {value}.")
        if not weight and not loss_weight:
            raise OptionError("'weight' and 'loss_weight' of the rewards must not both be 0.")
        self.loss, self.reinforce = loss, reinforce
        self.weight, self.loss_weight, self.from_epoch = weight, loss_weight, from_epoch

    def of_batch(self, model: Any, batch: CaptionBatch, step: StepCounts) -> dict[str, Tensor]:
        """All parts by name; see :class:`~stgraph.training.CaptionLoss`."""
        parts = self.loss.of_batch(model, batch, step)
        if step.epoch < self.from_epoch:
            return parts
        found = self.reinforce(
            model,
            batch.graphs,
            batch.video_ids,
            seed=step.seed,
            owned=batch.owned,
            num_captions=step.videos * self.reinforce.samples_per_video,
        )
        total = self.loss_weight * parts["loss"] + self.weight * found.loss
        values = {name: total.new_tensor(found.values[name]) for name in LOGGED}
        return {**parts, "loss": total, "reinforce": found.loss, **values}
