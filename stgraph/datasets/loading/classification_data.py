"""The data of a classification run: graphs with targets, splits and classes, as a Lightning data module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch_geometric.data import Batch, Data

from stgraph.checking import checked
from stgraph.datasets.loading.batch_datasets import RemainingBatches, batch_loader
from stgraph.datasets.loading.graph_source import GraphList
from stgraph.datasets.loading.targets import EncodedTargets, Target, class_names, encode, level_of, names_of
from stgraph.errors import DataError, OptionError, UnknownVideoError, listed
from stgraph.graph import VideoGraphBuilder
from stgraph.metrics.classification import ScoredTargets
from stgraph.models import Classifier, ClassifierConfig, DataSummary
from stgraph.models.classifier import Level
from stgraph.typing import Natural

__all__ = ["ClassificationBatch", "ClassificationDataModule"]

SPLITS = ("train", "val", "test")
GRAPHS_PER_BATCH = 64  # of validation, test and prediction
Pairs = Sequence[tuple[Data, Target]]


@checked
@dataclass(frozen=True)
class ClassificationBatch:
    """Graphs with their targets.

    Args:
        graphs: The graphs.
        ids: Name of each graph.
        groups: Group of each graph, such as the person, or None.
        query: What is classified, as :meth:`Classifier.forward <stgraph.models.Classifier.forward>` takes it.
        labels: Number of the class of each target ``[P]``, or whether each class is true, float ``[P, C]``.
        item: Position in the batch of each target's graph, ``[P]``.
        keys: What each target is of: None for a graph, a track, or a pair of nodes of its graph.
        total: Number of targets of the batch over all ranks.
        owned: Whether the targets count; those of a rank without a graph of its own do not.
    """

    graphs: Batch
    ids: list[str]
    groups: list[str | None]
    query: Tensor | None
    labels: Tensor
    item: Tensor
    keys: list[Any]
    total: int
    owned: bool = True

    def to(self, device: torch.device | str, **options: Any) -> ClassificationBatch:
        """The batch on a device."""
        return replace(
            self,
            graphs=self.graphs.to(device, **options) if self.ids else self.graphs,
            query=None if self.query is None else self.query.to(device, **options),
            labels=self.labels.to(device, **options),
            item=self.item.to(device, **options),
        )

    def scored(self, probabilities: Tensor) -> ScoredTargets:
        """Probabilities, label, graph and group of each target, as ``Predictions.join`` takes them."""
        item = self.item.tolist()
        return (
            probabilities.detach().float().cpu().numpy(),
            self.labels.cpu().numpy(),
            [self.ids[place] for place in item],
            [self.groups[place] for place in item],
        )


@checked
class ClassificationDataModule(LightningDataModule):
    """Graphs with targets, in batches.

    The target of a graph is a class (``"drink"``) of the whole graph, of tracks (``{4: "crossing"}``) or of pairs of nodes
    (``{(0, 3): "holding"}``); all targets have the same form. A list of names in place of a name gives a target several
    classes, or none. ``graph.video_id`` names a graph and ``graph.group`` the unit that intervals may also be taken over.

    The order of the training batches is a function of (``seed``, epoch), so that a resumed run meets the same ones.
    ``batch_size`` counts over all processes, each of which takes its share of every batch.

    Args:
        train: Training graphs, each with its target.
        val: Validation graphs; without any, training keeps the last weights.
        test: Test graphs.
        classes: Names of the classes, in the order of their numbers; None sorts those that occur in any split.
        multi_label: Whether a target may have several classes or none; None looks whether one has.
        label_names: Names of the classes of things, by number, as in a track data set; a model then reads ``graph.label``.
        builder: The builder that made the graphs; a saved model then takes detections, too.
        name: What results call the data set.
        batch_size: Graphs per batch, over all processes.
        seed: Seed of the batch order.
        num_workers: Worker processes per loader; 0 reads in the main process.

    Raises:
        DataError: If there is no training graph, targets have different forms, or one is of what is not in its graph.
        OptionError: If an argument is out of its range.

    Reference: our own design.

    >>> from stgraph import VideoGraph
    >>> graph = VideoGraph(torch.ones(1, 2), torch.zeros(2, 0, dtype=torch.long), frame=torch.tensor([0]), num_frames=1)
    >>> data = ClassificationDataModule(train=[(graph, "drink"), (graph, "eat")])
    >>> data.level, data.classes
    ('graph', ('drink', 'eat'))
    """

    def __init__(
        self,
        train: Pairs,
        val: Pairs = (),
        test: Pairs = (),
        *,
        classes: Sequence[str] | None = None,
        multi_label: bool | None = None,
        label_names: Sequence[str] = (),
        builder: VideoGraphBuilder | None = None,
        name: str = "graphs",
        batch_size: int = 32,
        seed: int = 0,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise OptionError(f"'batch_size' must be a whole number of at least 1, got {batch_size!r}.")
        self.batch_size, self.seed, self.num_workers = batch_size, seed, num_workers
        self.name = str(name)
        self.label_names = tuple(label_names)
        self.ids: dict[str, list[str]] = {split: [] for split in SPLITS}
        graphs: dict[str, Data] = {}
        targets: dict[str, Target] = {}
        self.groups: dict[str, str | None] = {}
        levels: dict[Level, str] = {}
        for split, pairs in zip(SPLITS, (train, val, test), strict=True):
            for position, pair in enumerate(pairs):
                where = f"item {position} of '{split}'"
                graph, target = _checked_pair(where, pair)
                levels.setdefault(level_of(target, where), where)
                graph_id = graph.get("video_id") or f"{split}-{position}"
                if graph_id in graphs:
                    raise DataError(
                        f"The id '{graph_id}' occurs twice, again as {where}; give each graph a 'video_id' of its own."
                    )
                group = graph.get("group")
                self.groups[graph_id] = None if group is None else str(group)
                graphs[graph_id], targets[graph_id] = _without_group(graph), target
                self.ids[split].append(graph_id)
        if not self.ids["train"]:
            raise DataError("There is no training graph; give 'train' at least one pair (graph, target).")
        if len(levels) > 1:
            (first, at), (second, elsewhere), *_ = levels.items()
            raise DataError(
                f"All targets must be of one level, but {at} has a target of the level '{first}' and {elsewhere} one of "
                f"'{second}'."
            )
        (self.level,) = levels
        self.source = GraphList(graphs, builder)
        self.classes = class_names(list(targets.values()), classes)
        several = any(len(names) != 1 for target in targets.values() for _, names in names_of(target))
        if several and multi_label is False:
            raise OptionError("'multi_label' must be true or None, as a target has several classes or none.")
        self.multi_label = several if multi_label is None else bool(multi_label)
        number = {name: place for place, name in enumerate(self.classes)}
        self._targets: dict[str, EncodedTargets] = {
            graph_id: encode(
                target, graphs[graph_id], number, multi_label=self.multi_label, where=f"'{graph_id}'"
            )
            for graph_id, target in targets.items()
        }

    # -- what models and pipelines take from the data

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def num_labels(self) -> int:
        """Number of classes of things; 0 if they have no names."""
        return len(self.label_names)

    @property
    def has_tracks(self) -> bool:
        """Whether the graphs have the boxes and tracks from which motion is computed."""
        return {"box", "track"} <= set(next(iter(self.source.graphs.values())).keys())

    @property
    def widths(self) -> dict[str, int]:
        """Feature width of each stream."""
        return self.source.widths

    @property
    def builder(self) -> VideoGraphBuilder | None:
        """The builder of the graphs."""
        return self.source.builder

    def model_config(self, model: Classifier) -> ClassifierConfig:
        """The configuration of a model trained on these data.

        Raises:
            OptionError: If the builder has a rule without a registered name, or an argument of the model cannot be saved.
        """
        return ClassifierConfig.of(
            model,
            graph=None if self.builder is None else self.builder.config,
            num_frames=None,
            classes=self.classes,
            label_names=self.label_names,
            data=DataSummary(
                name=str(self.name), videos={split: len(ids) for split, ids in self.ids.items()}
            ),
        )

    # -- loaders

    def setup(self, stage: str | None = None) -> None:
        """Has the trainer ask for a new training loader each epoch, as its order depends on the epoch."""
        if self.trainer is not None:
            self.trainer.reload_dataloaders_every_n_epochs = 1  # type: ignore[attr-defined]

    def batches(self, epoch: Natural) -> list[list[str]]:
        """Ids of the graphs of each batch of an epoch, for all processes together."""
        ids = self.ids["train"]
        order = np.random.default_rng([self.seed, epoch]).permutation(len(ids)).tolist()
        shuffled = [ids[position] for position in order]
        return [shuffled[start : start + self.batch_size] for start in range(0, len(ids), self.batch_size)]

    def num_batches(self, epoch: Natural) -> int:
        """Batches of an epoch that are trained on: all, or as many as ``Trainer(limit_train_batches=...)`` allows."""
        total = len(self.batches(epoch))
        limit = 1.0 if self.trainer is None else self.trainer.limit_train_batches
        return min(total, limit if isinstance(limit, int) else int(total * limit))

    def train_dataloader(self) -> DataLoader:
        """Batches of the current epoch; those that a resumed run has done are skipped."""
        rank, world_size = self._rank()
        batches = self.batches(0 if self.trainer is None else self.trainer.current_epoch)
        done = 0
        if self.trainer is not None and self.trainer.fit_loop.restarting:
            ready = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
            done = ready if ready < len(batches) else 0
        rows = [_Rows(batch[rank::world_size], batch) for batch in batches]
        return batch_loader(_Graphs(self), RemainingBatches(rows, done), self.num_workers)

    def val_dataloader(self) -> DataLoader:
        """Batches of the validation split."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader:
        """Batches of the test split."""
        return self._loader("test")

    def predict_dataloader(self) -> DataLoader:
        """Batches of the test split."""
        return self._loader("test")

    def loader_of(self, split: str) -> DataLoader:
        """Batches of a split, in order.

        Raises:
            OptionError: If there is no such split, or it has no graphs.
        """
        if split not in SPLITS or not self.ids[split]:
            known = [name for name in SPLITS if self.ids[name]]
            raise OptionError(f"'split' must be one of {known}, which have graphs, got {split!r}.")
        return self._loader(split)

    def graph_batches(self, split: str) -> Iterator[Batch]:
        """Graphs of a split in batches, without targets; on every rank all of them.

        Raises:
            OptionError: If there is no such split.
        """
        if split not in SPLITS:
            raise OptionError(f"'split' must be one of {list(SPLITS)}, got {split!r}.")
        ids = self.ids[split]
        for start in range(0, len(ids), GRAPHS_PER_BATCH):
            yield self.source.batch(ids[start : start + GRAPHS_PER_BATCH])

    def _rank(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)

    def _loader(self, split: str) -> DataLoader:
        """As many batches on every rank, as ranks wait for each other; a last one may be empty."""
        rank, world_size = self._rank()
        ids = self.ids[split]
        mine, longest = ids[rank::world_size], len(range(0, len(ids), world_size))
        starts = range(0, longest, GRAPHS_PER_BATCH)
        rows = [_Rows(part := mine[start : start + GRAPHS_PER_BATCH], part) for start in starts]
        return batch_loader(_Graphs(self), RemainingBatches(rows), self.num_workers)

    def batch_of(self, ids: Sequence[str], together: Sequence[str] | None = None) -> ClassificationBatch:
        """One batch.

        Args:
            ids: Graphs of the batch.
            together: Graphs of the batch over all ranks; None is ``ids``.

        Raises:
            UnknownVideoError: If there is no such graph.
        """
        together = ids if together is None else together
        unknown = [graph_id for graph_id in (*ids, *together) if graph_id not in self._targets]
        if unknown:
            raise UnknownVideoError(f"'ids' must be graphs of these data, got {listed(unknown)}.")
        total = sum(len(self._targets[graph_id].labels) for graph_id in together)
        owned = bool(ids) or not together
        here = list(ids) if owned else [together[0]]  # every parameter takes part in the all-reduce
        parts = [self._targets[graph_id] for graph_id in here]
        if not here:
            empty = torch.zeros(0, dtype=torch.long)
            return ClassificationBatch(Batch(), [], [], None, empty, empty, [], 0)
        graphs = self.source.batch(here)
        counts = torch.tensor([len(part.labels) for part in parts])
        return ClassificationBatch(
            graphs,
            here,
            [self.groups[graph_id] for graph_id in here],
            _joined_query(parts, graphs.ptr, counts),
            torch.cat([part.labels for part in parts]),
            torch.arange(len(here)).repeat_interleave(counts),
            [key for part in parts for key in part.keys],
            total,
            owned,
        )


@dataclass(frozen=True)
class _Rows:
    """Graphs of a batch on this rank, and on all."""

    mine: Sequence[str]
    together: Sequence[str]


class _Graphs(Dataset):
    """Item: one rank's part of a batch, whole."""

    def __init__(self, data: ClassificationDataModule) -> None:
        self.source, self.data = data.source, data

    def __getitem__(self, rows: _Rows) -> ClassificationBatch:
        return self.data.batch_of(rows.mine, rows.together)


def _joined_query(parts: Sequence[EncodedTargets], ptr: Tensor, counts: Tensor) -> Tensor | None:
    queries = [part.query for part in parts if part.query is not None]
    if not queries:
        return None
    if queries[0].ndim == 2:
        return torch.cat([query + start for query, start in zip(queries, ptr.tolist(), strict=False)], 1)
    first = (counts.cumsum(0) - counts).tolist()
    return torch.cat(
        [torch.where(query >= 0, query + start, -1) for query, start in zip(queries, first, strict=True)]
    )


def _checked_pair(where: str, pair: Any) -> tuple[Data, Any]:
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], Data):
        got = (
            [type(part).__name__ for part in pair] if isinstance(pair, tuple | list) else type(pair).__name__
        )
        raise DataError(f"{where[0].upper()}{where[1:]} must be a pair (VideoGraph, target), got {got}.")
    return pair[0], pair[1]


def _without_group(graph: Data) -> Data:
    """The graph without the name of its group, which would have to be joined in batches."""
    if "group" not in graph:
        return graph
    found = copy(graph)
    del found["group"]
    return found
