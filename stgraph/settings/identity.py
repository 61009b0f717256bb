"""What tells two runs apart: the settings that can change a score."""

from __future__ import annotations

from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from stgraph.errors import OptionError
from stgraph.settings.compose import compose, plain

__all__ = ["check_same_settings", "settings_that_matter"]

ABSENT = "(absent)"


def settings_that_matter(config: DictConfig) -> dict[str, Any]:
    """The settings that can change a score, in so far as they are not the defaults: what tells two runs apart.

    As defaults (of the model's system) are left out, an option that is added later, off by default, does not make old
    results look stale.
    """
    differing = _difference(plain(config), _defaults(config.model.name))
    if config.model.name != "stgkd":  # the default of defaults
        differing.setdefault("model", {})["name"] = config.model.name
    for key in ("run", "resume", "resume_every", "start", "teacher"):
        differing.pop(key, None)
    for group, keys in (
        (
            "trainer",
            (
                "accelerator",
                "devices",
                "num_nodes",
                "strategy",
                "enable_progress_bar",
                "enable_model_summary",
            ),
        ),
        ("data", ("cache",)),
    ):
        for key in keys:
            differing.get(group, {}).pop(key, None)
    differing.get("data", {}).get("loader", {}).pop("num_workers", None)
    differing.setdefault("data", {})["dataset"] = plain(config.data.dataset)
    return differing | {"seed": config.seed}


def check_same_settings(config: DictConfig, saved: DictConfig) -> None:
    """A resumed run has the settings that it began with, but for how long and by what means it trains.

    Raises: OptionError: Another setting differs; it is named.
    """
    defaults = OmegaConf.create(_defaults(saved.model.name))
    for key in ("seed", "data.dataset", "data.loader.batch_size", "data.loader.captions_per_video",
                "data.loader.captions_per_epoch", "data.num_frames", "data.min_count", "data.max_length",
                "model", "graph", "loss", "optimizer", "schedule", "teacher", "start", "reinforce", "monitor",
                "trainer.accumulate_grad_batches", "trainer.gradient_clip_val"):  # fmt: skip
        old, new = (plain(OmegaConf.select(values, key)) for values in (saved, config))
        first = plain(OmegaConf.select(defaults, key))
        if OmegaConf.select(saved, key, default=ABSENT) == ABSENT:
            old = first  # a setting that stgraph did not have yet when the run began
        if isinstance(old, dict) and isinstance(first, dict) and old.get("_target_") == first.get("_target_"):
            old = {**first, **old}  # settings that stgraph did not have yet when the run began
        if old != new:
            raise OptionError(f"'{key}' was {old} when the run began, and is {new} now; resume it unchanged.")


@cache
def _defaults(model: str) -> dict[str, Any]:
    return plain(compose("train", [f"model={model}"]))  # a sweep asks for each of its cells


def _difference(values: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            if inner := _difference(value, base[key]):
                found[key] = inner
        elif key not in base or value != base[key]:
            found[key] = value
    return found
