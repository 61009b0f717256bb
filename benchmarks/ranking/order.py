"""Share of ordered pairs of frames in runs with and without the ranking loss, and their statistics over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stgraph import CaptionPipeline
from stgraph.errors import DataError, MissingDataError
from stgraph.experiments import MeanInterval, mean_interval, paired_interval
from stgraph.inspection import FrameOrder, frame_order
from stgraph.settings.compose import plain, saved_config
from stgraph.settings.training import open_data

KINDS = ("with", "without", "untrained")
SPLITS = ("test", "val")


@dataclass(frozen=True)
class Pair:
    """Two rows that differ only in the ranking loss, and the folder of their runs."""

    trained: str
    without: str
    runs: Path

    def measure(self, seed: int) -> dict[str, dict[str, FrameOrder]]:
        """Orders by split and kind, all of the same videos.

        Raises:
            MissingDataError: If there is no such run.
            DataError: If the runs differ in more than the loss.
        """
        folders = [self.runs / row / str(seed) for row in (self.trained, self.without)]
        for folder in folders:
            if not (folder / "model.safetensors").is_file():
                raise MissingDataError(
                    f"There is no run at {folder}; make it with 'stgraph ablate table=stats_ranking seeds=...'."
                )
        _check_alike(*folders)
        captioners = dict(zip(KINDS, map(CaptionPipeline.from_pretrained, folders), strict=False))
        captioners["untrained"] = untrained(captioners["with"], seed)
        dataset = open_data(saved_config(folders[0]).data)
        return {
            split: {kind: frame_order(captioners[kind], dataset, split) for kind in KINDS} for split in SPLITS
        }


def untrained(captioner: CaptionPipeline, seed: int) -> CaptionPipeline:
    """The same model with the initial weights of a run of ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = type(captioner.model)(**captioner.model.config)
    return CaptionPipeline(model.eval(), captioner.tokenizer, captioner.config)


def summary(orders: Sequence[dict[str, FrameOrder]], seeds: Sequence[int]) -> dict[str, Any]:
    """Means and 95 % intervals of one pair on one split, of its orders by kind, seed by seed.

    Over seeds: Student's interval of the mean over seeds. Over videos: the same for the videos of all seeds, given
    these runs.
    """
    found = {kind: {seed: one[kind].mean for seed, one in zip(seeds, orders, strict=True)} for kind in KINDS}
    differences = [
        one["with"].shares[video] - one["without"].shares[video]
        for one in orders
        for video in one["with"].shares
    ]
    return {
        **{
            kind: {"by seed": rows, "over seeds": _ends(mean_interval(list(rows.values())))}
            for kind, rows in found.items()
        },
        "with less without": {
            "over seeds": _ends(paired_interval(found["with"], found["without"])),
            "over videos": _ends(mean_interval(differences)),
        },
        "videos": len(differences),
        "left out": sum(len(one["with"].left_out) for one in orders),
    }


def _ends(interval: MeanInterval) -> dict[str, float | None]:
    """Without NaN, which JSON lacks."""
    values = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


def _check_alike(trained: Path, without: Path) -> None:
    """An LSTM pool is ranked attention without the loss, whatever the weight of the loss."""
    rest, ranked = [], []
    for folder in (trained, without):
        config = plain(saved_config(folder))
        temporal, weight = config["model"].pop("temporal"), config["loss"].pop("ranking_weight")
        config.pop("run")
        rest.append((temporal.replace("ranked", "lstm"), config))
        ranked.append("ranked" in temporal and weight > 0)
    if rest[0] != rest[1] or ranked != [True, False]:
        raise DataError(f"{trained} and {without} must be alike but for the ranking loss of the first.")
