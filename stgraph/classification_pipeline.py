"""A trained classifier with the names of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.checking import checked
from stgraph.datasets.loading.classification_data import ClassificationDataModule
from stgraph.errors import DataError, OptionError
from stgraph.features.detections import Detections
from stgraph.graph import VideoGraph
from stgraph.metrics import Predictions
from stgraph.models import Classifier, ClassifierConfig, load_model, read_model_config, save_model

__all__ = ["ClassificationPipeline"]

Classes = dict[str, float]
"""Probability of each class by name."""


@checked
class ClassificationPipeline:
    """Classifies graphs, their tracks or pairs of their nodes with a trained model.

    Make one by :meth:`from_pretrained`, or take what :func:`~stgraph.train_classifier` returns.

    Args:
        model: The model; it is put into evaluation mode.
        config: Classes, classes of things, and graph settings of the training data.

    Reference: our own design.
    """

    def __init__(self, model: Classifier, config: ClassifierConfig) -> None:
        self.model, self.config = model.eval(), config
        self._builder = None if config.graph is None else config.graph.build()

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, device: torch.device | str = "cpu"
    ) -> ClassificationPipeline:
        """Loads a model folder; nothing in it is run as code.

        Raises:
            MissingDataError: If there is no such folder, or it is incomplete.
            ModelFolderError: If the folder is damaged, or of a captioner.
        """
        config = read_model_config(folder, ClassifierConfig)
        model = load_model(folder, config, Classifier)  # type: ignore[type-abstract]
        return cls(model.to(device), config)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Writes a model folder.

        Raises:
            WriteError: If the folder cannot be written.
        """
        save_model(folder, self.model, self.config)
        return Path(folder)

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class."""
        return self.config.classes

    @overload
    def __call__(
        self, graph: VideoGraph | Detections, pairs: Sequence[tuple[int, int]] | None = None
    ) -> Classes | dict[Any, Classes]: ...
    @overload
    def __call__(
        self, graph: Sequence[VideoGraph | Detections], pairs: None = None
    ) -> list[Classes | dict[Any, Classes]]: ...
    @torch.no_grad()
    def __call__(
        self,
        graph: VideoGraph | Detections | Sequence[VideoGraph | Detections],
        pairs: Sequence[tuple[int, int]] | None = None,
    ) -> Any:
        """Probability of every class.

        Args:
            graph: A graph, detections (if the model was trained on graphs of a builder), or a list of them.
            pairs: For a model of pairs, the pairs of nodes; None takes all pairs of different boxes in a frame.

        Returns:
            The probabilities by class for a model of graphs; those of each track, or of each pair, for the others.

        Raises:
            OptionError: If ``pairs`` is given to a model that classifies something else.
            DataError: If detections are given but the builder is not known, or an attribute is missing.
        """
        if isinstance(graph, list | tuple):
            return [self(each) for each in graph]
        assert not isinstance(graph, Sequence)
        graph = self._graph(graph)
        keys, query = self._asked(graph, pairs)
        if not keys:
            return {}
        device = next(self.model.parameters()).device
        batch = Batch.from_data_list([graph]).to(device)
        logits = self.model(batch, None if query is None else query.to(device))
        rows = self.model.probabilities(logits).tolist()
        found = [dict(zip(self.classes, row, strict=True)) for row in rows]
        return found[0] if query is None else dict(zip(keys, found, strict=True))

    @torch.no_grad()
    def evaluate(self, data: ClassificationDataModule, split: str = "test") -> Predictions:
        """Predictions of a split with the true labels, which have ``scores()``, ``intervals()`` and ``confusion()``.

        Args:
            data: Graphs and targets.
            split: "train", "val" or "test".

        Raises:
            OptionError: If the split has no graphs, or the data have other classes, targets or classes of things.
        """
        for name in ("classes", "label_names"):
            if getattr(data, name) != getattr(self.config, name):
                raise OptionError(
                    f"'data' must have the model's {name} {getattr(self.config, name)}, got {getattr(data, name)}; pass "
                    f"{name} to the data module."
                )
        if data.level != self.model.level or data.multi_label != self.model.multi_label:
            raise OptionError(
                f"'data' must have targets of the level '{self.model.level}' with "
                f"{'several classes' if self.model.multi_label else 'one class'} each, as the model."
            )
        device, parts = next(self.model.parameters()).device, []
        for batch in data.loader_of(split):
            logits = self.model(
                batch.graphs.to(device), None if batch.query is None else batch.query.to(device)
            )
            parts.append(batch.scored(self.model.probabilities(logits)))
        return Predictions.join(parts, self.classes)

    def _graph(self, graph: VideoGraph | Detections) -> VideoGraph:
        if isinstance(graph, VideoGraph):
            return graph
        if not isinstance(graph, Detections):
            raise OptionError(f"'graph' must be a VideoGraph or Detections, got {type(graph).__name__}.")
        if self._builder is None:
            raise DataError(
                "The model was trained on ready-made graphs, and 'graph' in its config.json is null; pass a VideoGraph, or "
                "train with the data module's 'builder'."
            )
        return self._builder(graph)

    def _asked(
        self, graph: VideoGraph, pairs: Sequence[tuple[int, int]] | None
    ) -> tuple[list[Any], Tensor | None]:
        level = self.model.level
        if pairs is not None and level != "pair":
            raise OptionError(f"'pairs' must be None for a model of the level '{level}'.")
        if level == "graph":
            return [None], None
        if level == "track":
            track = graph.get("track")
            if track is None:
                raise DataError(
                    "This model classifies tracks, but the graph has no 'track'; build it from tracked Detections."
                )
            known = track.unique()
            known = known[known >= 0]
            place = torch.searchsorted(known, track.contiguous()).clamp(max=max(len(known) - 1, 0))
            return known.tolist(), torch.where(track >= 0, place, -1)
        if pairs is None:
            same = graph.frame[:, None] == graph.frame[None, :]
            query = (same & ~torch.eye(len(same), dtype=torch.bool)).nonzero().T
        else:
            query = torch.tensor(list(pairs), dtype=torch.long).reshape(-1, 2).T
            if query.numel() and not 0 <= int(query.min()) <= int(query.max()) < len(graph.frame):
                raise OptionError(
                    f"'pairs' must be of nodes 0..{len(graph.frame) - 1}, got {list(pairs)[:5]}."
                )
        return [tuple(pair) for pair in query.T.tolist()], query
