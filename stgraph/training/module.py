"""A captioning model as a Lightning module: loss, optimiser, and captions of the validation and test splits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from torch import Tensor, distributed
from torch.nn.functional import cross_entropy
from torch.optim import Adadelta, Adam, RMSprop
from torch_geometric.data import Batch

from stgraph.checking import checked
from stgraph.datasets.loading.caption_batch import CaptionBatch, CaptionCollator
from stgraph.datasets.loading.data_module import CaptionDataModule
from stgraph.errors import DataError, OptionError
from stgraph.graph import VideoGraph
from stgraph.metrics import METRICS, CaptionEvaluator
from stgraph.models import Caption, CaptioningModel, captions_of
from stgraph.text import CaptionTokenizer
from stgraph.training.losses import CaptionLoss, StepCounts, default_loss
from stgraph.training.step_module import OptimizerFactory, ScheduleFactory, StepModule
from stgraph.typing import IntTensor

__all__ = ["CaptioningModule", "OptimizerFactory", "ScheduleFactory", "default_optimizer"]

CAPTIONS_AT_ONCE = 64  # of the validation loss: a video of MSVD has 40 captions
VALIDATION_METRICS = ("BLEU-4", "CIDEr")  # METEOR's Java program takes longer than a small epoch

OPTIMIZERS: dict[str, OptimizerFactory] = {
    "stgkd": partial(Adam, lr=1e-4, fused=True),
    "stat": partial(Adadelta, lr=1.0, rho=0.95, eps=1e-6),
    "stats": partial(RMSprop, lr=1e-4),
}
"""The papers' optimisers by model name."""


def default_optimizer(model: CaptioningModel) -> OptimizerFactory:
    """The optimiser of the model's paper; Adam at 1e-4 for other models."""
    return OPTIMIZERS.get(model.name, partial(Adam, lr=1e-4, fused=True))


@checked
class CaptioningModule(StepModule):
    """Trains a captioning model, scores its captions, and captions videos for ``Trainer.predict``.

    It takes the batches of a :class:`~stgraph.datasets.CaptionDataModule`, those of a loader with a
    :class:`~stgraph.datasets.CaptionCollator`, and those that PyG's ``DataLoader`` makes of graphs whose attribute
    ``captions`` is a list of sentences.

    Every random number of step n (dropout, sampled words) is a function of (``seed``, n, rank), so that a resumed run
    needs no saved generator states.

    The loss's means are taken over one optimiser step: every rank's share of every batch that it accumulates. Without
    dropout a step is the same, up to rounding, however many ranks and batches it is split over.

    Args:
        model: The model.
        tokenizer: Words <-> ids, ``data.tokenizer``.
        loss: Its loss; None takes the loss of the model's system.
        optimizer: Makes the optimiser from the parameters, such as ``functools.partial(torch.optim.Adam, lr=1e-3)``; None
            takes the optimiser of the model's paper.
        schedule: Makes the learning-rate schedule from (optimiser, total steps); None keeps the rate.
        evaluator: Scores the captions of the validation split; None makes one from the sentences of the data.
        seed: Seed of everything that is drawn in a step.

    Raises:
        OptionError: If the tokenizer does not belong to the model.

    Reference: our own design.
    """

    model: CaptioningModel

    def __init__(
        self,
        model: CaptioningModel,
        tokenizer: CaptionTokenizer,
        loss: CaptionLoss | None = None,
        *,
        optimizer: OptimizerFactory | None = None,
        schedule: ScheduleFactory | None = None,
        evaluator: CaptionEvaluator | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        vocab_size = model.config.get("vocab_size", tokenizer.vocab_size)
        if vocab_size != tokenizer.vocab_size:
            raise OptionError(
                f"'tokenizer' must have the model's {vocab_size} words, got {tokenizer.vocab_size}; build the model by "
                "for_data(data) and pass data.tokenizer."
            )
        self.model, self.tokenizer = model, tokenizer
        self.loss = default_loss(model) if loss is None else loss
        self.make_optimizer = default_optimizer(model) if optimizer is None else optimizer
        self.make_schedule, self.evaluator, self.seed = schedule, evaluator, seed
        self._collate = CaptionCollator(tokenizer)
        self._captions: dict[str, dict[str, str]] = {}
        self._references: dict[str, list[str]] = {}
        self._validation_loss = [0.0, 0.0]  # sum over words, and number of words

    def forward(self, graphs: VideoGraph | Batch, tokens: IntTensor, video: IntTensor) -> dict[str, Tensor]:
        """Logits of every next word by branch; see :class:`~stgraph.models.CaptioningModel`."""
        return self.model(graphs, tokens, video)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> CaptionBatch:
        """Turns a PyG batch of graphs with captions into a :class:`~stgraph.datasets.CaptionBatch`.

        Raises:
            DataError: If it is neither, or its graphs have no captions.
        """
        if isinstance(batch, CaptionBatch):
            return batch
        if not isinstance(batch, Batch):
            raise DataError(
                f"A batch must be a CaptionBatch or a PyG Batch of graphs with 'captions', got {type(batch).__name__}; "
                "use CaptionDataModule, or a DataLoader with CaptionCollator(tokenizer)."
            )
        captions = batch.get("captions")
        if captions is None:
            raise DataError(
                "The graphs of a PyG batch must have 'captions', a list of sentences each; set graph.captions, or use "
                "CaptionDataModule."
            )
        sentences = [[group] if isinstance(group, str) else list(group) for group in captions]
        return self._collate.join(batch, sentences)

    # -- training

    def _data(self) -> CaptionDataModule | None:
        data = getattr(self.trainer, "datamodule", None)
        return data if isinstance(data, CaptionDataModule) else None

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        """The rank's part of the step's loss, scaled so that the averages of DDP and Lightning make it a sum."""
        step_seed = hash((self.seed, self.trainer.global_step)) % 2**63
        totals = batch.totals
        if totals is None:  # a loader other than the data module's: the batch is the step
            terms = self.loss(self.model, batch, StepCounts.of_batch(batch, self.current_epoch, step_seed))
            weight, scale, size = 1.0, 1.0, len(batch.tokens)
        else:
            # DDP averages over the ranks, Lightning over the batches of a step.
            step = StepCounts.of(totals, self.trainer.world_size, self.current_epoch, step_seed)
            terms = self.loss(self.model, batch, step)
            # An epoch's mean weighs each step by its pairs; 1 without accumulation.
            weight = totals.pairs / (totals.batches * totals.batch_pairs)
            # Lightning divides by the full number of batches in an epoch's last step, too.
            scale, size = self.trainer.accumulate_grad_batches / totals.batches, totals.batch_pairs
        self.log_dict(
            {f"train/{name}": weight * value for name, value in terms.items()},
            on_step=False,
            on_epoch=True,
            batch_size=size,
            sync_dist=True,
        )
        self.log("loss", terms["loss"].detach(), prog_bar=True, logger=False, batch_size=size)
        return terms["loss"] * scale

    # -- validation and test

    def on_validation_epoch_start(self) -> None:
        """Clears captions of an interrupted evaluation."""
        self._forget()

    def validation_step(self, batch: CaptionBatch, batch_idx: int) -> None:
        """Captions the videos with each branch, and sums the loss of the reference captions if the batch has them."""
        for part in batch.split(CAPTIONS_AT_ONCE):
            targets = part.tokens[:, 1:]
            logits = self.model(part.graphs, part.tokens[:, :-1], part.video)[self.model.branches[0]]
            words = targets[targets != 0]
            loss = cross_entropy(logits[targets != 0].float(), words, reduction="sum")
            self._validation_loss = [
                self._validation_loss[0] + float(loss),
                self._validation_loss[1] + len(words),
            ]
        self._caption(batch, self.model.branches)

    def on_validation_epoch_end(self) -> None:
        """Logs scores by branch; ``val/CIDEr`` is that of the first branch, the one that is evaluated.

        ``val/loss`` is the mean loss per word of the given captions in that branch, if batches hold them.
        """
        captions, evaluator = self._captions, self.evaluator or self._evaluator("val")
        if evaluator is None or self.trainer.sanity_checking:
            self._forget()
            return
        # Every rank has the same scores, and unlike a mean the maximum returns them bit for bit.
        alike: dict[str, Any] = {"sync_dist": True, "reduce_fx": "max"}
        loss, words = self._sum_over_ranks(self._validation_loss)
        if words:
            self.log("val/loss", loss / words, prog_bar=True, **alike)
        for branch in self.model.branches:
            scores = self._score(evaluator, captions.get(branch, {}))
            self.log_dict({f"val/{branch}/{name}": value for name, value in scores.items()}, **alike)
            if branch == self.model.branches[0]:
                self.log("val/CIDEr", scores["CIDEr"], prog_bar=True, **alike)
        self._forget()

    def on_test_epoch_start(self) -> None:
        """Clears captions of an interrupted evaluation."""
        self._forget()

    def test_step(self, batch: CaptionBatch, batch_idx: int) -> None:
        """Captions the videos with the first branch, the one that is evaluated."""
        self._caption(batch, self.model.branches[:1])

    def on_test_epoch_end(self) -> None:
        """Logs every metric as ``test/<metric>``.

        Raises:
            DataError: If the data have no test videos with sentences.
        """
        evaluator = self._evaluator("test")
        if evaluator is None:
            raise DataError("There are no test videos to score; give some the split 'test'.")
        scores = self._score(evaluator, self._captions.get(self.model.branches[0], {}))
        self.log_dict(
            {f"test/{name}": value for name, value in scores.items()}, sync_dist=True, reduce_fx="max"
        )
        self._forget()

    def predict_step(self, batch: CaptionBatch, batch_idx: int) -> list[Caption]:
        """Greedy captions of the first branch, one per video."""
        if not batch.video_ids:
            return []
        return captions_of(self.model, self.tokenizer, batch.graphs, batch.video_ids)

    def _caption(self, batch: CaptionBatch, branches: Iterable[str]) -> None:
        if not batch.video_ids:  # this rank has no video left, another one has
            return
        if batch.references is not None:
            self._references.update(zip(batch.video_ids, batch.references, strict=True))
        for branch in branches:
            found = self.model.generate(batch.graphs, self.tokenizer.special_tokens, branch)
            captions = self.tokenizer.decode(found.tokens)
            self._captions.setdefault(branch, {}).update(zip(batch.video_ids, captions, strict=True))

    def _evaluator(self, split: str) -> CaptionEvaluator | None:
        """An evaluator against the sentences of the videos that were captioned; None if there are none."""
        data = self._data()
        references: Mapping[str, list[str]] = self._references if data is None else data.references(split)
        captioned = self._captioned()
        here = {video: sentences for video, sentences in references.items() if video in captioned}
        if not here:
            return None
        evaluator = CaptionEvaluator(here, metrics=_metrics(split))
        if data is not None and split == "val" and len(here) == len(references):
            self.evaluator = evaluator  # keeps its tokenised references for the next validation
        return evaluator

    def _captioned(self) -> set[str]:
        """Ids of the videos that any rank has captioned."""
        mine = set(next(iter(self._captions.values()), {}))
        if self.trainer.world_size == 1:
            return mine
        shares: list[Any] = [None] * self.trainer.world_size
        distributed.all_gather_object(shares, mine)
        return set().union(*shares)

    def _forget(self) -> None:
        self._captions, self._references, self._validation_loss = {}, {}, [0.0, 0.0]

    def _sum_over_ranks(self, sums: list[float]) -> list[float]:
        """Sums over all ranks, added in one order everywhere."""
        if self.trainer.world_size == 1:
            return sums
        shares: list[Any] = [None] * self.trainer.world_size
        distributed.all_gather_object(shares, sums)
        return [sum(column) for column in zip(*shares, strict=True)]

    def _score(self, evaluator: CaptionEvaluator, captions: dict[str, str]) -> dict[str, float]:
        """Scores of the captions of all ranks, computed by the first one."""
        if self.trainer.world_size == 1:
            return dict(evaluator(captions))
        shares: list[Any] = [None] * self.trainer.world_size
        distributed.all_gather_object(shares, captions)
        together = {video: caption for share in shares for video, caption in share.items()}
        assert len(together) == sum(map(len, shares)), "a video was captioned by two ranks"
        scores = dict(evaluator(together)) if self.trainer.is_global_zero else {}
        return self.trainer.strategy.broadcast(scores)


def _metrics(split: str) -> tuple[str, ...]:
    return VALIDATION_METRICS if split == "val" else METRICS
