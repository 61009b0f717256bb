"""The Lightning side of a captioner: losses, optimiser, captions of the validation split."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, distributed
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.training.losses.caption_loss import CaptionLoss, StepCounts

if TYPE_CHECKING:
    from stgraph.metrics import CaptionEvaluator
    from stgraph.models.model_folder import AnyCaptioner
    from stgraph.text import CaptionTokenizer

__all__ = ["CaptioningModule"]

CAPTIONS_AT_ONCE = 64  # of the validation loss: a video of a corpus may have 40


class CaptioningModule(LightningModule):
    """Trains a captioner and scores its captions of the validation split.

    All that is random in step n (dropout) is a function of (``seed``, n, rank): a resumed run needs no saved states and
    nothing that draws numbers between two steps can shift it.

    All means of the loss are over what one optimizer step holds: every process's share of every batch that it
    accumulates. Without dropout a step is the same, to rounding, however many processes and batches it is split over.

    Args:
        model: With one or two branches.
        tokenizer: Ids to words.
        loss: Of the model's system.
        optimizer: Makes the optimiser of the parameters.
        schedule: Makes the learning-rate schedule of (optimiser, total steps); None keeps the rate.
        evaluator: Scores captions of the validation split; None leaves validation without scores.
        seed: Of the dropout, and of all else that is drawn in a step.
    """

    def __init__(
        self,
        model: AnyCaptioner,
        tokenizer: CaptionTokenizer,
        loss: CaptionLoss,
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
        self._spoken = [0.0, 0]  # loss and words of the validation captions so far

    def configure_optimizers(self) -> Any:
        """The optimiser, and the schedule by step."""
        learned = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        optimizer = self.make_optimizer(learned)
        if self.make_schedule is None:
            return optimizer
        schedule = self.make_schedule(optimizer, self._total_steps())
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _total_steps(self) -> int:
        # Lightning's own estimate loads the training data before a resumed run knows where it stands.
        trainer = self.trainer
        if trainer.max_steps > 0:
            return trainer.max_steps
        batches = trainer.datamodule.num_batches(0)  # type: ignore[attr-defined]
        return math.ceil(batches / trainer.accumulate_grad_batches) * (trainer.max_epochs or 1)

    def on_train_batch_start(self, batch: CaptionBatch, batch_idx: int) -> None:
        """Seeds what this step draws: dropout, sampled words."""
        number = self.trainer.fit_loop.total_batch_idx + 1
        torch.manual_seed(hash((self.seed, number, self.global_rank)) % 2**63)

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        """What this process adds to the step's loss, scaled so that the means taken by DDP and Lightning make it a sum."""
        totals = batch.totals
        assert totals is not None, "a training batch says what its step holds"
        # DDP takes the mean over the processes, Lightning the one over the batches of a step.
        drawing = hash((self.seed, self.trainer.global_step)) % 2**63
        step = StepCounts.of(totals, self.trainer.world_size, self.current_epoch, drawing)
        parts = self.loss.of_batch(self.model, batch, step)
        # An epoch's mean weighs each step by its pairs; 1 without accumulation.
        weight = totals.pairs / (totals.batches * totals.batch_pairs)
        self.log_dict(
            {f"train/{name}": weight * value for name, value in parts.items()},
            on_step=False,
            on_epoch=True,
            batch_size=totals.batch_pairs,
            sync_dist=True,
        )
        self.log("loss", parts["loss"].detach(), prog_bar=True, logger=False, batch_size=totals.batch_pairs)
        # Lightning divides by the full number of batches in an epoch's last step too.
        return parts["loss"] * (self.trainer.accumulate_grad_batches / totals.batches)

    def validation_step(self, batch: CaptionBatch, batch_idx: int) -> None:
        """Captions of each branch alone, and the loss of the given ones where a batch has them."""
        if not batch.video_ids:  # another process has one video more
            return
        for part in batch.split(CAPTIONS_AT_ONCE):
            targets = part.tokens[:, 1:]
            logits = self.model(part.graphs, part.tokens[:, :-1], part.video)[self.model.branches[0]]
            words = targets[targets != 0]
            loss = cross_entropy(logits[targets != 0].float(), words, reduction="sum")
            self._spoken = [self._spoken[0] + float(loss), self._spoken[1] + len(words)]
        for branch in self.model.branches:
            found = self.model.generate(batch.graphs, self.tokenizer.special_tokens, branch)
            captions = self.tokenizer.decode(found.tokens)
            self._captions.setdefault(branch, {}).update(zip(batch.video_ids, captions, strict=True))

    def on_validation_epoch_end(self) -> None:
        """Scores by branch; ``val/CIDEr`` is that of the branch that is tested: the scene's where there is one.

        ``val/loss`` is the mean loss of a word of the validation captions in that branch, where batches hold them.
        """
        captions, self._captions = self._captions, {}
        spoken, self._spoken = self._spoken, [0.0, 0]
        if self.evaluator is None or self.trainer.sanity_checking:
            return
        # The scores are the same everywhere: the largest of them is each, to the bit.
        alike: dict[str, Any] = {"sync_dist": True, "reduce_fx": "max"}
        loss, words = self._together(spoken)
        if words:
            self.log("val/loss", loss / words, prog_bar=True, **alike)
        for branch in self.model.branches:
            scores = self._score(captions.get(branch, {}))
            self.log_dict({f"val/{branch}/{name}": value for name, value in scores.items()}, **alike)
            if branch == self.model.branches[0]:
                self.log("val/CIDEr", scores["CIDEr"], prog_bar=True, **alike)

    def _together(self, sums: list[float]) -> list[float]:
        """Sums over all processes, added in one order everywhere."""
        if self.trainer.world_size == 1:
            return sums
        shares: list[Any] = [None] * self.trainer.world_size
        distributed.all_gather_object(shares, sums)
        return [sum(column) for column in zip(*shares, strict=True)]

    def _score(self, captions: dict[str, str]) -> dict[str, float]:
        """Scores of the captions of all processes, computed by the first one."""
        assert self.evaluator is not None
        if self.trainer.world_size == 1:
            return dict(self.evaluator(captions))
        shares: list[Any] = [None] * self.trainer.world_size
        distributed.all_gather_object(shares, captions)
        together = {video: caption for share in shares for video, caption in share.items()}
        assert len(together) == sum(map(len, shares)), "a video was captioned by two processes"
        scores = dict(self.evaluator(together)) if self.trainer.is_global_zero else {}
        return self.trainer.strategy.broadcast(scores)
