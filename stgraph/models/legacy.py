"""Translates model folders of format version 1 to the names of version 2; the only place where the earlier names remain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

__all__ = ["translate_config", "translate_state"]

Value = TypeVar("Value")

ARGUMENTS = {"num_words": "vocab_size", "max_words": "max_length"}

# Patterns are applied in this order to each name of a state dict.
_COMMON = ((r"(^|\.)classifier\.", r"\1lm_head."),)
STATE_NAMES = {
    "stgkd": (
        *_COMMON,
        (r"\.frame_layers\.", ".encoder_layers."),
        (r"\.word_layers\.(\d+)\.words\.", r".decoder_layers.\1.self_attention."),
        (r"\.word_layers\.(\d+)\.frames\.", r".decoder_layers.\1.cross_attention."),
        (r"\.word_layers\.", ".decoder_layers."),
        (r"^encoders\.object\.layers\.(\d+)\.weight\.weight$", r"encoders.object.layers.\1.lin.weight"),
    ),
    "stat": _COMMON,
    "stats": (*_COMMON, (r"^decoder\.words\.", "decoder.self_attention.")),
}


def translate_config(content: Any) -> Any:
    """Translates the content of a ``config.json``.

    Args:
        content: Parsed JSON. Anything other than a configuration of version 1 is returned as it is, so that the check of
            the configuration, which comes next, can name what is wrong.

    Returns:
        A configuration of version 2; the input is not changed.
    """
    if not isinstance(content, dict) or content.get("version") != 1 or "settings" not in content:
        return content
    found = {name: value for name, value in content.items() if name != "settings"}
    settings = content["settings"]
    if isinstance(settings, dict):
        settings = {ARGUMENTS.get(name, name): value for name, value in settings.items()}
    return {**found, "version": 2, "arguments": settings}


def translate_state(model_name: str, state: Mapping[str, Value]) -> dict[str, Value]:
    """Translates the names of a state dict; present names stay as they are.

    Args:
        model_name: Name of the model in the registry; models other than the three systems have no earlier names.
        state: Values by name.

    >>> translate_state("stats", {"decoder.words.out.bias": 1, "decoder.classifier.bias": 2})
    {'decoder.self_attention.out.bias': 1, 'decoder.lm_head.bias': 2}
    """
    return {_translated(model_name, name): value for name, value in state.items()}


def _translated(model_name: str, name: str) -> str:
    for pattern, replacement in STATE_NAMES.get(model_name, ()):
        name = re.sub(pattern, replacement, name)
    return name
