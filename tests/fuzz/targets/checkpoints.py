"""Checkpoints of a run: what is accepted is resumed, and ends with finite weights."""

from __future__ import annotations

import io
import logging
import random
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stgraph.settings.compose import compose
from stgraph.settings.training import train, training_config
from stgraph.training.checkpoints import read_checkpoint
from stgraph.training.run import build_run
from tests.fuzz.mutations import mutate_tree
from tests.fuzz.target import Silent, Target
from tests.training.conftest import SMALL

__all__ = ["settings_of", "small_run"]

SIZE = (
    "data.loader.batch_size=120",
    "data.loader.captions_per_video=1",
    "data.loader.captions_per_epoch=1",
    "trainer.max_epochs=1",
    "trainer.check_val_every_n_epoch=1",
    "trainer.enable_model_summary=false",
    "trainer.enable_progress_bar=false",
)


def settings_of(run: Path, *more: str) -> list[str]:
    """Settings of a run of one step."""
    return [*SMALL, *SIZE, f"run={run}", *more]


def small_run(folder: Path) -> Path:
    """A finished run beside the folders of the targets, which share it."""
    run = folder.parent / "run"
    return run if (run / "model.safetensors").exists() else train(compose("train", settings_of(run)))


class Checkpoints(Target):
    """A seed is a checkpoint in the folder of a run; the mutated file takes its place and the run is resumed."""

    name = "checkpoints"

    def prepare(self) -> dict[str, bytes]:
        run = small_run(self.folder)
        return {name: (run / "checkpoints" / name).read_bytes() for name in ("last.ckpt", "best.ckpt")}

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        if draw.random() < 0.4:
            return super().mutate(draw, seed, content, others)
        tree = torch.load(io.BytesIO(content), weights_only=True)
        if draw.random() < 0.3:
            _change_tensor(draw, tree)
        else:
            part = draw.choice([None, *tree])
            if part is None:
                mutate_tree(draw, tree)
            else:
                tree[part] = mutate_tree(draw, tree[part])
        file = io.BytesIO()
        torch.save(tree, file)
        return file.getvalue()

    @cached_property
    def _quiet(self) -> None:
        for name in ("lightning.pytorch", "lightning.fabric", "stgraph", "lightning"):
            logging.getLogger(name).setLevel(logging.ERROR)

    def check(self, seed: str, path: Path) -> None:
        _ = self._quiet
        checkpoint = read_checkpoint(path)
        run = path.with_name("run")
        shutil.copytree(self.folder.parent / "run", run)
        path.rename(run / "checkpoints" / seed)
        config = compose("train", settings_of(run, "resume=true"))
        training = build_run(training_config(config))
        pipeline = training.train()
        for name, value in pipeline.model.state_dict().items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                raise Silent(f"the weights '{name}' are not finite after the run was resumed")
        expected = checkpoint["state_dict"] if seed == "best.ckpt" else None
        for name, value in pipeline.model.state_dict().items():
            if expected is not None and not torch.equal(value, expected[f"model.{name}"].to(value.dtype)):
                raise Silent(f"'{name}' of the resumed run is not that of the best validation")


def _change_tensor(draw: random.Random, tree: dict[str, Any]) -> None:
    """Changes one of the tensors: its type, its shape, or a value."""
    places: list[tuple[Any, Any]] = []
    left: list[Any] = [tree]
    while left:
        holder = left.pop()
        items = (
            holder.items()
            if isinstance(holder, dict)
            else enumerate(holder)
            if isinstance(holder, list)
            else ()
        )
        for key, inner in items:
            left.append(inner)
            if isinstance(inner, Tensor):
                places.append((holder, key))
    holder, key = draw.choice(places)
    value = holder[key].clone()
    match draw.randrange(5):
        case 0:
            holder[key] = value.to(
                draw.choice((torch.float64, torch.float16, torch.int64, torch.bool, torch.complex64))
            )
        case 1:
            holder[key] = draw.choice(
                (value.reshape(-1), value[None], value.flatten()[:1], value.new_zeros(0))
            )
        case 2:
            holder[key] = value.to_sparse() if value.ndim else value.item()
        case 3:
            value.view(-1)[draw.randrange(value.numel())] = draw.choice(
                (float("nan"), float("inf"), 1e30, 0.0)
            )
            holder[key] = value
        case 4:
            holder[key] = value.tolist()


TARGET = Checkpoints
