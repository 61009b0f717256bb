"""The Lightning side of a captioner: losses, optimiser, captions of the validation split."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.optim import Optimizer

from stgraph.datasets.caption_batch import CaptionBatch
from stgraph.training.losses import DistillationLoss

if TYPE_CHECKING:
    from stgraph.metrics import CaptionEvaluator
    from stgraph.models import STGraphCaptioner
    from stgraph.text import CaptionTokenizer

__all__ = ["CaptioningModule"]


class CaptioningModule(LightningModule):
    """Trains a captioner and scores its captions of the validation split.

    All that is random in step n (dropout) is a function of (``seed``, n, rank): a resumed run needs no saved states and
    nothing that draws numbers between two steps can shift it.

    Args:
        model: With one or two branches.
        tokenizer: Ids to words.
        loss: Of the logits by branch.
        optimizer: Makes the optimiser of the parameters.
        schedule: Makes the learning-rate schedule of (optimiser, total steps); None keeps the rate.
        evaluator: Scores captions of the validation split; None leaves validation without scores.
        seed: Of the dropout.
    """

    def __init__(
        self,
        model: STGraphCaptioner,
        tokenizer: CaptionTokenizer,
        loss: DistillationLoss,
        optimizer: Callable[[Iterable[Tensor]], Optimizer],
        schedule: Callable[[Optimizer, int], Any] | None = None,
        evaluator: CaptionEvaluator | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.tokenizer, self.loss = model, tokenizer, loss
        self.make_optimizer, self.make_schedule = optimizer, schedule
        self.evaluator, self.seed = evaluator, seed
        self._captions: dict[str, dict[str, str]] = {}

    def configure_optimizers(self) -> Any:
        """The optimiser, and the schedule by step."""
        optimizer = self.make_optimizer(self.model.parameters())
        if self.make_schedule is None:
            return optimizer
        schedule = self.make_schedule(optimizer, self._total_steps())
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _total_steps(self) -> int:
        # Lightning's own estimate loads the training data before a resumed run knows where it stands.
        trainer = self.trainer
        if trainer.max_steps > 0:
            return trainer.max_steps
        batches = len(trainer.datamodule.batches(0))  # type: ignore[attr-defined]
        return math.ceil(batches / trainer.accumulate_grad_batches) * (trainer.max_epochs or 1)

    def on_train_batch_start(self, batch: CaptionBatch, batch_idx: int) -> None:
        """Seeds this step's dropout."""
        step = self.trainer.fit_loop.total_batch_idx + 1
        torch.manual_seed(hash((self.seed, step, self.global_rank)) % 2**63)

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        """Loss of the batch; the mean is over the real tokens of the global batch, on however many devices it lies."""
        logits, features = self.model.scores_and_features(batch.graphs, batch.tokens[:, :-1], batch.video)
        targets = batch.tokens[:, 1:]
        parts = self.loss(logits, targets, self._tokens_a_device((targets != 0).sum()), features)
        self.log_dict(
            {f"train/{name}": value for name, value in parts.items()},
            on_step=False,
            on_epoch=True,
            batch_size=len(batch.tokens),
        )
        self.log("loss", parts["loss"].detach(), prog_bar=True, logger=False, batch_size=len(batch.tokens))
        return parts["loss"]

    def _tokens_a_device(self, count: Tensor) -> Tensor:
        # DDP averages the gradients of its processes, so each divides by the mean count.
        if self.trainer.world_size == 1:
            return count
        return cast(Tensor, self.all_gather(count)).float().mean()

    def validation_step(self, batch: CaptionBatch, batch_idx: int) -> None:
        """Captions of each branch alone."""
        for branch in self.model.branches:
            found = self.model.generate(batch.graphs, branch, **self.tokenizer.marks)
            captions = self.tokenizer.decode(found.tokens)
            self._captions.setdefault(branch, {}).update(zip(batch.video_ids, captions, strict=True))

    def on_validation_epoch_end(self) -> None:
        """Scores by branch; ``val/CIDEr`` is that of the branch that is tested: the scene's where there is one."""
        captions, self._captions = self._captions, {}
        if self.evaluator is None or self.trainer.sanity_checking:
            return
        for branch, found in captions.items():
            scores = self.evaluator(found)
            self.log_dict({f"val/{branch}/{name}": value for name, value in scores.items()})
            if branch == self.model.branches[0]:
                self.log("val/CIDEr", scores["CIDEr"], prog_bar=True)
