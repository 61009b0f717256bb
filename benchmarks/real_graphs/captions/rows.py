"""The rows of the caption tables: which graph, which model, how it is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.real_graphs.captions.box_captioner import BoxCaptioner
from benchmarks.real_graphs.captions.data import NUM_CATEGORIES
from benchmarks.real_graphs.captions.gru_captioner import GRUCaptioner
from benchmarks.real_graphs.rows import ROWS, Row
from stgraph.models import CaptioningModel, STATCaptioner, STaTSCaptioner, STGraphCaptioner
from stgraph.training import LanguageLoss, STATLoss, STaTSLoss
from stgraph.training.losses import CaptionLoss

Kind = Literal["edges", "edge-free", "control", "system"]


@dataclass(frozen=True)
class Recipe:
    """How a model is trained and how it captions.

    Args:
        epochs: Epochs of training.
        learning_rate: Its largest value.
        weight_decay: Of AdamW.
        batch_size: Captions per step.
        captions_per_epoch: Captions of a video that an epoch uses, drawn anew each epoch.
        captions_per_video: Those of them that share a batch, so that the video is encoded once for them.
        num_frames: Frames that are sampled from each video or clip.
        min_count: Rarer words are unknown.
        max_length: Longer captions are cut to so many words.
        beams: Of beam search.
        length_penalty: Of beam search.
    """

    epochs: int
    learning_rate: float
    weight_decay: float = 1e-2
    batch_size: int = 64
    captions_per_epoch: int = 4
    captions_per_video: int = 2
    num_frames: int = 6
    min_count: int = 15
    max_length: int = 16
    beams: int = 5
    length_penalty: float = 0.5


@dataclass(frozen=True)
class CaptionRow:
    """A row of a table.

    Args:
        title: As printed.
        kind: Whether boxes exchange messages along edges, or the row is a control, or a whole system.
        recipe: How it is trained.
        model: Class of the model.
        arguments: Arguments of the model.
        loss: Class of the loss.
        loss_arguments: Arguments of the loss.
        graphs: Row of the other tasks whose graphs and encoder it has.
    """

    title: str
    kind: Kind
    recipe: Recipe
    model: type[CaptioningModel]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    loss: type[CaptionLoss] = LanguageLoss
    loss_arguments: Mapping[str, Any] = field(default_factory=dict)
    graphs: Row = ROWS["no_edges_mean"]

    @property
    def settings(self) -> str:
        """Everything that its scores depend on, as JSON."""
        graphs = self.graphs
        encoder = None if graphs.encoder is None else graphs.encoder.__name__
        content = {
            **vars(self.recipe),
            "model": self.model.name,
            "arguments": dict(self.arguments),
            "loss": [self.loss.__name__, dict(self.loss_arguments)],
            "graph": [graphs.builder().config.model_dump(), encoder, graphs.change],
        }
        return json.dumps(content, sort_keys=True)


SYSTEMS = {
    "stgkd": CaptionRow(
        "STG-KD, scene branch",
        "system",
        Recipe(epochs=30, learning_rate=1.5e-3),
        STGraphCaptioner,
        {
            "branches": ("scene",),
            "hidden_channels": 128,
            "num_heads": 4,
            "num_layers": 1,
            "feedforward_channels": 256,
            "dropout": 0.1,
            "input_dropout": 0.1,
        },
    ),
    "stat": CaptionRow(
        "STAT without local features",
        "system",
        Recipe(epochs=30, learning_rate=3e-3),
        STATCaptioner,
        {
            "streams": ("appearance",),
            "stream_channels": 128,
            "attention_channels": 64,
            "word_channels": 128,
            "hidden_channels": 192,
            "initialization": "torch",
            "input_dropout": 0.1,
            "dropout": 0.2,
        },
        STATLoss,
        {"attention_weight": 0.0, "weight_decay": 0.0, "label_smoothing": 0.1},
    ),
    "stats": CaptionRow(
        "STaTS without regions, with categories",
        "system",
        Recipe(epochs=30, learning_rate=3e-3),
        STaTSCaptioner,
        {
            "streams": ("appearance",),
            "num_categories": NUM_CATEGORIES,
            "category_channels": 64,
            "embedding_channels": 64,
            "attention_channels": 64,
            "word_channels": 128,
            "hidden_channels": 192,
            "dropout": 0.2,
            "input_dropout": 0.1,
        },
        STaTSLoss,
        {"sampling_decay": None, "label_smoothing": 0.1},
    ),
    "gru": CaptionRow(
        "a plain GRU on the mean of the frames",
        "system",
        Recipe(epochs=30, learning_rate=2e-3),
        GRUCaptioner,
        {"hidden_channels": 256, "word_channels": 128, "dropout": 0.3},
    ),
}
"""All three systems, without boxes, and the plainest captioner beside them."""

BOXES = {
    name: CaptionRow(
        row.title,
        row.kind,
        Recipe(
            epochs=25,
            learning_rate=2e-3,
            batch_size=32,
            captions_per_epoch=1,
            captions_per_video=1,
            num_frames=12,
            min_count=1,
            max_length=14,
        ),
        BoxCaptioner,
        {**row.arguments, "pool": row.pool},
        graphs=row,
    )
    for name, row in ROWS.items()
}
"""The graph rows of the other tasks, in front of one language model."""
NUM_WEIGHTS = 100_000
"""Every model of boxes has about so many weights: its width is the multiple of 4 that comes nearest."""
