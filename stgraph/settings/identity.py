"""Identity of a run: the settings that can change its scores, and their hash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from stgraph.errors import OptionError
from stgraph.settings.choices import choices_of
from stgraph.settings.compose import compose, plain
from stgraph.settings.legacy import HASHED_DEFAULTS, with_hashed_names
from stgraph.settings.paths import PATHS

__all__ = ["check_same_settings", "settings_hash", "settings_that_matter"]

ABSENT = "(absent)"
NOT_HASHED = {
    "trainer": (
        *("accelerator", "devices", "num_nodes", "strategy"),
        *("enable_progress_bar", "enable_model_summary"),
    ),
    "data": ("cache",),
}
"""Settings that cannot change a score, by group."""


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Hashes the settings of :func:`settings_that_matter` under their original names, so that renames keep hashes."""
    text = json.dumps(with_hashed_names(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings_that_matter(config: DictConfig) -> dict[str, Any]:
    """Returns the settings that can change a score and differ from the defaults of the model.

    Defaults are left out, so existing results stay valid when an option is added that is off by default.
    """
    differing = _difference(plain(config), _hashed_defaults(config.model.name))
    if config.model.name != "stgkd":  # the default of defaults
        differing.setdefault("model", {})["name"] = config.model.name
    for key in ("run", "resume", "resume_every", "start", "teacher", "logger"):
        differing.pop(key, None)
    for group, keys in NOT_HASHED.items():
        for key in keys:
            differing.get(group, {}).pop(key, None)
    differing.get("data", {}).get("loader", {}).pop("num_workers", None)
    differing.setdefault("data", {})["dataset"] = plain(config.data.dataset)
    return differing | {"seed": config.seed}


def check_same_settings(config: DictConfig, saved: DictConfig) -> None:
    """Checks that a run is resumed with its original settings; its length and hardware may change.

    Relative paths are made absolute before they are compared. A path may change if the old one no longer exists.

    Args:
        config: Settings of the resumed run.
        saved: Settings that the run was started with.

    Raises:
        OptionError: If another setting differs; the message names it.
    """
    defaults = OmegaConf.create(_defaults(saved.model.name))
    for key in ("seed", "data.dataset", "data.loader.batch_size", "data.loader.captions_per_video",
                "data.loader.captions_per_epoch", "data.num_frames", "data.sampling",
                "data.min_count", "data.max_length", "data.long_captions",
                "data.max_vocabulary",
                "model", "graph", "loss", "optimizer", "schedule", "teacher", "copy_decoder", "start", "reinforce",
                "monitor",
                "trainer.accumulate_grad_batches", "trainer.gradient_clip_val"):  # fmt: skip
        old, new = (_with_absolute_paths(key, plain(OmegaConf.select(each, key))) for each in (saved, config))
        old = _moved(key, old, new)
        first = plain(OmegaConf.select(defaults, key))
        if OmegaConf.select(saved, key, default=ABSENT) == ABSENT:
            old = first  # this setting was added to stgraph after the run began
        if key == "data.dataset" and old["name"] in choices_of("data"):
            first = plain(compose("train", [f"data={old['name']}"], complete=False).data.dataset)
        if isinstance(old, dict) and isinstance(first, dict) and _same_kind(old, first):
            old = {**first, **old}  # some of these settings were added after the run began
        if old != new:
            raise OptionError(f"'{key}' was {old} when the run began, and is {new} now; resume it unchanged.")


def _with_absolute_paths(key: str, value: Any) -> Any:
    """Resolves existing paths in a setting, so that a run can be resumed from another working directory."""
    if isinstance(value, dict):
        return {name: _with_absolute_paths(f"{key}.{name}", part) for name, part in value.items()}
    path = next((path for path in PATHS if key == path or key.startswith(f"{path}.")), None)
    if path is None:
        return value
    if isinstance(value, list):
        return [_with_absolute_paths(key, part) for part in value]
    return os.path.realpath(value) if isinstance(value, str) and os.path.exists(value) else value


def _same_kind(old: dict[str, Any], first: dict[str, Any]) -> bool:
    return all(old.get(name) == first.get(name) for name in ("_target_", "name"))


def _moved(key: str, old: Any, new: Any) -> Any:
    """Replaces paths that no longer exist by the new ones, if those exist."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: _moved(f"{key}.{name}", part, new.get(name)) for name, part in old.items()}
    if not any(key == path or key.startswith(f"{path}.") for path in PATHS):
        return old
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_moved(key, *parts) for parts in zip(old, new, strict=True)]
    both = isinstance(old, str) and isinstance(new, str)
    return new if both and os.path.isabs(old) and not os.path.exists(old) and os.path.exists(new) else old


@cache
def _defaults(model: str) -> dict[str, Any]:
    return plain(compose("train", [f"model={model}"]))  # cached because a sweep needs it for every cell


@cache
def _hashed_defaults(model: str) -> dict[str, Any]:
    """The defaults with the values that they had when results were first hashed."""
    old = HASHED_DEFAULTS[None] | HASHED_DEFAULTS.get(model, {})
    return {
        group: {**values, **old[group]} if group in old else values
        for group, values in _defaults(model).items()
    }


def _difference(values: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            if inner := _difference(value, base[key]):
                found[key] = inner
        elif key not in base or value != base[key]:
            found[key] = value
    return found
