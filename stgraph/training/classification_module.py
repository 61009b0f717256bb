"""A classifier as a Lightning module: loss, optimiser, and scores of the validation and test splits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.optim import Adam
from torch_geometric.data import Batch

from stgraph.checking import checked
from stgraph.datasets.loading.classification_data import ClassificationBatch
from stgraph.errors import OptionError
from stgraph.graph import VideoGraph
from stgraph.metrics import Predictions
from stgraph.metrics.classification import ScoredTargets
from stgraph.models import Classifier
from stgraph.training.step_module import OptimizerFactory, ScheduleFactory, StepModule
from stgraph.typing import IntTensor

__all__ = ["ClassificationModule", "TargetLoss"]

TargetLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits ``[P, C]`` and labels -> their mean loss."""


@checked
class ClassificationModule(StepModule):
    """Trains a classifier and scores it.

    It takes the batches of a :class:`~stgraph.datasets.ClassificationDataModule`. A step's loss is the mean over the targets
    of its batch, on all ranks. Every random number of a step is a function of (``seed``, step, rank). ``val/loss``,
    ``val/accuracy``, ``val/macro_f1``, ``val/average_precision`` and ``val/auc`` are logged, and ``test/...`` alike.

    Args:
        model: The model.
        classes: Name of each class, ``data.classes``.
        loss: (logits, labels) -> mean loss, such as ``torch.nn.CrossEntropyLoss(weight=...)``; None takes the cross-entropy,
            that of each class by itself if a target may have several.
        optimizer: Makes the optimiser from the parameters; None is Adam at 1e-3.
        schedule: Makes the learning-rate schedule from (optimiser, total steps); None keeps the rate.
        seed: Seed of everything that is drawn in a step.

    Raises:
        OptionError: If the classes are not those of the model.

    Reference: our own design.
    """

    model: Classifier

    def __init__(
        self,
        model: Classifier,
        classes: tuple[str, ...],
        loss: TargetLoss | None = None,
        *,
        optimizer: OptimizerFactory | None = None,
        schedule: ScheduleFactory | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if len(classes) != model.num_classes:
            raise OptionError(
                f"'classes' must be the model's {model.num_classes}, got {len(classes)}; build the model by "
                "for_data(data) and pass data.classes."
            )
        self.model, self.classes = model, tuple(classes)
        default = binary_cross_entropy_with_logits if model.multi_label else cross_entropy
        self.loss: TargetLoss = default if loss is None else loss
        self.make_optimizer = partial(Adam, lr=1e-3, fused=True) if optimizer is None else optimizer
        self.make_schedule, self.seed = schedule, seed
        self._found: list[ScoredTargets] = []
        self._loss = [0.0, 0.0]  # sum over targets, and their number

    def forward(self, graphs: VideoGraph | Batch, query: IntTensor | None = None) -> Tensor:
        """Logits of every class; see :class:`~stgraph.models.Classifier`."""
        return self.model(graphs, query)

    def training_step(self, batch: ClassificationBatch, batch_idx: int) -> Tensor:
        """The rank's part of the step's loss, scaled so that DDP's average over ranks makes it the mean over targets."""
        logits = self.model(batch.graphs, batch.query)
        share = len(batch.labels) / batch.total if batch.owned else 0.0
        loss = self.loss(logits, batch.labels) * share * self.trainer.world_size
        self.log(
            "train/loss", loss.detach(), on_step=False, on_epoch=True, batch_size=batch.total, sync_dist=True
        )
        return loss

    def on_validation_epoch_start(self) -> None:
        """Clears what an interrupted evaluation left."""
        self._forget()

    def validation_step(self, batch: ClassificationBatch, batch_idx: int) -> None:
        """Collects the probabilities of every target."""
        if not batch.ids:  # this rank has no graph left, another one has
            return
        logits = self.model(batch.graphs, batch.query)
        self._loss[0] += float(self.loss(logits, batch.labels)) * len(batch.labels)
        self._loss[1] += len(batch.labels)
        self._found.append(batch.scored(self.model.probabilities(logits.float())))

    def on_validation_epoch_end(self) -> None:
        """Logs the loss and every score that is defined."""
        if not self.trainer.sanity_checking:
            self._log_scores("val")
        self._forget()

    def on_test_epoch_start(self) -> None:
        """Clears what an interrupted evaluation left."""
        self._forget()

    def test_step(self, batch: ClassificationBatch, batch_idx: int) -> None:
        """Collects the probabilities of every target."""
        self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Logs the loss and every score that is defined.

        Raises:
            DataError: If the data have no test graphs.
        """
        self._log_scores("test")
        self._forget()

    def predict_step(self, batch: ClassificationBatch, batch_idx: int) -> list[tuple[str, Any, str]]:
        """The most probable class of each target: its graph, what it is of, and the class."""
        if not batch.ids:
            return []
        best = self.model(batch.graphs, batch.query).argmax(1).tolist()
        rows = zip(batch.item.tolist(), batch.keys, best, strict=True)
        return [(batch.ids[item], key, self.classes[number]) for item, key, number in rows]

    def predictions(self) -> Predictions:
        """What was collected on all ranks.

        Raises:
            DataError: If there was no target.
        """
        return Predictions.join(
            [part for share in self._of_all_ranks(self._found) for part in share], self.classes
        )

    def _log_scores(self, split: str) -> None:
        # Every rank has the same scores, and unlike a mean the maximum returns them bit for bit.
        alike: dict[str, Any] = {"sync_dist": True, "reduce_fx": "max"}
        sums = [sum(column) for column in zip(*self._of_all_ranks(self._loss), strict=True)]
        scores = {"loss": sums[0] / max(sums[1], 1.0), **self.predictions().scores()}
        for name, value in scores.items():
            if value == value:  # undefined scores, such as the AUC of a split with one class, are not logged
                self.log(f"{split}/{name}", value, prog_bar=name in ("loss", "accuracy"), **alike)

    def _forget(self) -> None:
        self._found, self._loss = [], [0.0, 0.0]
