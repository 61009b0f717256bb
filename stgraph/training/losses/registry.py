"""Losses by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from stgraph.checking import call_checked, checked, described
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel
from stgraph.training.losses.caption_loss import CaptionLoss
from stgraph.training.losses.distillation import DistillationLoss
from stgraph.training.losses.language import LanguageLoss
from stgraph.training.losses.stat_loss import STATLoss
from stgraph.training.losses.stats_loss import STaTSLoss

__all__ = ["LOSSES", "default_loss", "make_loss"]

LOSSES: dict[str, Callable[..., CaptionLoss]] = {
    "language": LanguageLoss,
    "stat": STATLoss,
    "stats": STaTSLoss,
    "stgkd": DistillationLoss,
}
"""Losses by the name that ``CaptioningModel.loss_name`` and ``loss.name`` of a configuration give."""


@checked
def default_loss(model: CaptioningModel | type[CaptioningModel]) -> CaptionLoss:
    """The loss that a model names, with its default weights.

    Raises:
        OptionError: If there is no loss of that name.
    """
    return make_loss({"name": model.loss_name}, model)


@checked
def make_loss(values: Mapping[str, Any], model: CaptioningModel | type[CaptioningModel]) -> CaptionLoss:
    """The loss of a configuration.

    Args:
        values: ``name`` and the arguments of the loss; "language" fits every model, others only the model that names them.
        model: The model that is trained.

    Raises:
        OptionError: If the loss is unknown, belongs to another model, or does not take an argument.
    """
    values = dict(values)
    name = values.pop("name", model.loss_name)
    if (
        isinstance(name, str) and name == model.name and name not in LOSSES
    ):  # an installed model without a loss of its own
        name = model.loss_name
    if not isinstance(name, str) or name not in LOSSES or name not in ("language", model.loss_name):
        raise OptionError(
            f"'loss' must be of the model's system, '{model.loss_name}', got {described(name)}; use loss={model.loss_name}."
        )
    loss = LOSSES[name]
    try:
        inspect.signature(loss).bind(**values)
    except TypeError as error:
        raise OptionError(f"'loss' {name!r}: {error}.") from error
    return call_checked(loss, **values)
