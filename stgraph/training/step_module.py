"""What every Lightning module of a training run shares: optimiser, schedule, and random numbers by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol, runtime_checkable

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from stgraph.errors import OptionError

__all__ = ["OptimizerFactory", "RunData", "ScheduleFactory", "StepModule"]

OptimizerFactory = Callable[[Iterable[Tensor]], Optimizer]
"""Parameters -> optimiser."""
ScheduleFactory = Callable[[Optimizer, int], Any]
"""Optimiser and total number of steps -> learning-rate schedule, stepped once per optimiser step."""


@runtime_checkable
class RunData(Protocol):
    """What a training run needs of its data module, beside the loaders."""

    def num_batches(self, epoch: int) -> int:
        """Batches of an epoch that are trained on."""


class StepModule(LightningModule):
    """Makes the optimiser and the schedule, and seeds each step.

    Every random number of step n (dropout, sampled words) is a function of (``seed``, n, rank), so that a resumed run needs
    no saved generator states.

    Attributes:
        model: The model.
        make_optimizer: Makes the optimiser from the parameters.
        make_schedule: Makes the learning-rate schedule; None keeps the rate.
        seed: Seed of everything that is drawn in a step.
    """

    model: nn.Module
    make_optimizer: OptimizerFactory
    make_schedule: ScheduleFactory | None
    seed: int

    def configure_optimizers(self) -> Any:
        """Returns the optimiser, with the schedule if there is one, stepped once per optimiser step."""
        learned = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        optimizer = self.make_optimizer(learned)
        if self.make_schedule is None:
            return optimizer
        schedule = self.make_schedule(optimizer, self._total_steps())
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _total_steps(self) -> int:
        trainer = self.trainer
        data = getattr(trainer, "datamodule", None)
        if not isinstance(data, RunData):
            return int(trainer.estimated_stepping_batches)
        # Lightning's own estimate would load the training data before a resumed run knows which epoch it is in.
        steps = math.ceil(data.num_batches(0) / trainer.accumulate_grad_batches)
        ends = [steps * (trainer.max_epochs or 0), trainer.max_steps]
        if not any(end > 0 for end in ends):
            raise OptionError(
                "A schedule needs to know the end: set trainer.max_epochs or trainer.max_steps."
            )
        return min(end for end in ends if end > 0)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seeds the random numbers of this step."""
        number = self.trainer.fit_loop.total_batch_idx + 1
        torch.manual_seed(hash((self.seed, number, self.global_rank)) % 2**63)

    def _of_all_ranks(self, share: Any) -> list[Any]:
        """What each rank has, in the order of the ranks."""
        if self.trainer.world_size == 1:
            return [share]
        shares: list[Any] = [None] * self.trainer.world_size
        distributed.all_gather_object(shares, share)
        return shares
