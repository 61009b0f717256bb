"""The loss of a system, and REINFORCE from some epoch on."""

from __future__ import annotations

from torch import Tensor

from stgraph.checking import checked
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel
from stgraph.training.losses import CaptionLoss, StepCounts
from stgraph.training.reinforce.reinforce import Reinforce

__all__ = ["RewardedLoss"]

LOGGED = ("reward", "baseline", "unfinished")


@checked
class RewardedLoss(CaptionLoss):
    r"""A system's loss plus the REINFORCE loss of sampled captions.

    .. math:: L = \lambda_{ce} L_{system} + \lambda_r L_{reinforce}

    Before ``from_epoch`` it is the system's loss alone. Captions are sampled once per video of a step, by the branch that
    is evaluated, however many given captions the video has.

    Args:
        loss: Loss of the system.
        reinforce: Samples captions, rewards them, and computes :math:`L_{reinforce}`, a mean over the step's samples.
        weight: :math:`\lambda_r`.
        loss_weight: :math:`\lambda_{ce}` from that epoch on; 0 trains on rewards alone.
        from_epoch: First epoch with rewards, counted from 0.

    Raises:
        OptionError: If a weight or the epoch is negative, or both weights are 0.

    Reference: Cherian et al., WACV 2020, section 3.4 (rewards after about 10 epochs); the weights: our own design.
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

    def forward(
        self, model: CaptioningModel, batch: CaptionBatch, step: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """All terms by name; see :class:`~stgraph.training.CaptionLoss`."""
        step = StepCounts.of_batch(batch) if step is None else step
        parts = self.loss(model, batch, step)
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
