"""The configuration of a training run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.utilities.rank_zero import rank_zero_only
from pydantic import BaseModel, ConfigDict, Field

from stgraph.checking import checked
from stgraph.datasets import StoredDataset, open_dataset
from stgraph.errors import listed
from stgraph.features.video_features import Sampling
from stgraph.graph import GraphConfig

__all__ = ["DataConfig", "LoaderConfig", "TrainingConfig"]

log = logging.getLogger(__name__)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@checked
class LoaderConfig(_Strict):
    """Batches; see :class:`~stgraph.datasets.CaptionDataModule`."""

    batch_size: int = 64
    captions_per_video: int = 1
    captions_per_epoch: int | None = None
    num_workers: int = 0


@checked
class DataConfig(_Strict):
    """A data set and how it is read.

    Args:
        dataset: Arguments of :func:`~stgraph.datasets.open_dataset`, ``name`` among them.
        num_frames: Frames that are sampled from each video; None keeps all.
        sampling: Rule that samples frames and clips: "spread" or "chunks".
        min_count: Words that occur less often in the training captions become unknown.
        max_length: Longer captions are cut to this many words.
        long_captions: "cut", or "drop" to leave captions of ``max_length`` words and more out.
        max_vocabulary: Largest number of words, special tokens apart; None keeps all.
        cache: Whether to keep the sampled features in memory.
        loader: Batches.
    """

    dataset: dict[str, Any]
    num_frames: int | None = 10
    sampling: Sampling = "spread"
    min_count: int = 1
    max_length: int = 20
    long_captions: str = "cut"
    max_vocabulary: int | None = None
    cache: bool = False
    loader: LoaderConfig = LoaderConfig()

    def open(self, progress: Callable[[int, int], None] | None = None) -> StoredDataset:
        """Opens the data set; generated data are made first, and ``progress`` is called with (done, total)."""
        arguments = dict(self.dataset)
        if progress is not None and arguments.get("name") == "interactions":
            arguments["progress"] = progress
        dataset = open_dataset(**arguments)
        if dataset.uncaptioned:
            _report_uncaptioned(dataset.uncaptioned)
        return dataset


@checked
class TrainingConfig(_Strict):
    """Everything that a training run depends on; ``stgraph train`` composes it with hydra.

    Args:
        data: The data.
        model: ``name``, and arguments of the model's ``for_data``.
        run: Folder of the run.
        graph: Settings of the graph builder.
        loss: ``name``, and arguments of the loss.
        optimizer: Parameters -> optimiser; None is that of the model's paper.
        schedule: Optimiser, total steps -> schedule; None keeps the learning rate.
        reinforce: Settings of REINFORCE; None trains without rewards.
        trainer: Arguments of Lightning's ``Trainer``.
        logger: A further Lightning logger.
        seed: Seed of the weights, the batch order and everything drawn in a step.
        resume: Whether to continue a run that was stopped.
        resume_every: Batches between two checkpoints.
        start: Run of the same model whose weights this one starts from.
        teacher: Run whose object branch teaches the scene branch and is frozen.
        copy_decoder: Whether the scene branch's language model starts with the teacher's weights.
        monitor: Value by which the best weights are chosen.
        patience: Validations without a better one after which training stops; None never stops early.
    """

    data: DataConfig
    model: dict[str, Any]
    run: Path
    graph: GraphConfig = GraphConfig()
    loss: dict[str, Any] = {}
    optimizer: Callable[..., Any] | None = None
    schedule: Callable[..., Any] | None = None
    reinforce: dict[str, Any] | None = None
    trainer: dict[str, Any] = {}
    logger: Any = None
    seed: int = Field(default=0, ge=0)
    resume: bool = False
    resume_every: int = Field(default=100, ge=1)
    start: Path | None = None
    teacher: Path | None = None
    copy_decoder: bool = False
    monitor: Literal["val/CIDEr", "val/loss"] = "val/CIDEr"
    patience: int | None = Field(default=None, ge=1)


@rank_zero_only
def _report_uncaptioned(videos: tuple[str, ...]) -> None:
    log.warning("%d videos of the store have no captions and are left out: %s.", len(videos), listed(videos))
