"""Models by name: the three systems, installed ones, and those that a program registers."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import entry_points
from typing import TypeVar

from stgraph.errors import OptionError
from stgraph.models.captioning_model import CaptioningModel

__all__ = ["ENTRY_POINTS", "entry_point_names", "find_model", "model_names", "register_model"]

ENTRY_POINTS = "stgraph.models"
OWN = {
    "stgkd": "stgraph.models.stgraph_captioner:STGraphCaptioner",
    "stat": "stgraph.models.stat_captioner:STATCaptioner",
    "stats": "stgraph.models.stats_captioner:STaTSCaptioner",
}
_registered: dict[str, type[CaptioningModel]] = {}

Model = TypeVar("Model", bound=type[CaptioningModel])


def register_model(model: Model) -> Model:
    """Makes a model known by its ``name`` in this process; also a class decorator.

    Installed packages name theirs as an entry point of the group ``stgraph.models`` instead, and every command knows it.

    Raises:
        OptionError: If it is no ``CaptioningModel``, has no name, or the name belongs to another model.
    """
    if not (isinstance(model, type) and issubclass(model, CaptioningModel)):
        raise OptionError(f"A model must be a subclass of CaptioningModel, got {model!r}.")
    name = getattr(model, "name", None)
    if not isinstance(name, str) or not name:
        raise OptionError(f"{model.__name__} must have a class attribute 'name', got {name!r}.")
    other = _registered.get(name)
    same = other is None or (other.__module__, other.__qualname__) == (model.__module__, model.__qualname__)
    if name in OWN or not same:
        raise OptionError(
            f"The name '{name}' belongs to another model; give {model.__name__} one of its own."
        )
    _registered[name] = model
    return model


def find_model(name: str) -> type[CaptioningModel]:
    """The model class of a name.

    Raises:
        OptionError: If no model has this name, or an entry point leads to something else.
    """
    if name in _registered:
        return _registered[name]
    if name in OWN:
        module, _, attribute = OWN[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            found = point.load()
            if not (isinstance(found, type) and issubclass(found, CaptioningModel)) or found.name != name:
                raise OptionError(
                    f"The entry point '{name}' of {ENTRY_POINTS} must lead to a CaptioningModel of that name, got {found!r}."
                )
            return found
    near = difflib.get_close_matches(str(name), model_names(), n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise OptionError(f"'model.name' must be one of {model_names()}, got {name!r}.{hint}")


def entry_point_names() -> list[str]:
    """Names of installed models, without importing them."""
    return sorted({point.name for point in entry_points(group=ENTRY_POINTS)})


def model_names() -> list[str]:
    """All names that :func:`find_model` knows."""
    return sorted({*OWN, *_registered, *entry_point_names()})
