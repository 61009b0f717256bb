"""Models by name: the three systems, classifiers, installed ones, and those that a program registers."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import entry_points
from typing import TypeVar, overload

from stgraph.checking import checked, described
from stgraph.errors import OptionError
from stgraph.models.captioning_model import CaptioningModel
from stgraph.models.video_model import VideoModel

__all__ = ["ENTRY_POINTS", "entry_point_names", "find_model", "model_names", "register_model"]

ENTRY_POINTS = "stgraph.models"
CLASSIFIERS = {
    "graph_classifier": "stgraph.models.classifiers:GraphClassifier",
    "relation_classifier": "stgraph.models.classifiers:RelationClassifier",
    "track_classifier": "stgraph.models.classifiers:TrackClassifier",
}
CAPTIONERS = {
    "stgkd": "stgraph.models.stgraph_captioner:STGraphCaptioner",
    "stat": "stgraph.models.stat_captioner:STATCaptioner",
    "stats": "stgraph.models.stats_captioner:STaTSCaptioner",
}
_registered: dict[str, type[VideoModel]] = {}

Model = TypeVar("Model", bound=type[VideoModel])
Base = TypeVar("Base", bound=VideoModel)


def register_model(model: Model) -> Model:
    """Makes a captioner or classifier known by its ``name`` in this process; also a class decorator.

    Installed packages name theirs as an entry point of the group ``stgraph.models`` instead, and every command knows it.

    Raises:
        OptionError: If it is no ``CaptioningModel`` or ``Classifier``, has no name, or the name belongs to another model.
    """
    if not (isinstance(model, type) and issubclass(model, VideoModel)):
        raise OptionError(
            f"A model must be a subclass of CaptioningModel or Classifier, got {described(model)}."
        )
    name = getattr(model, "name", None)
    if not isinstance(name, str) or not name:
        raise OptionError(f"{model.__name__} must have a class attribute 'name', got {name!r}.")
    other = _registered.get(name)
    same = other is None or (other.__module__, other.__qualname__) == (model.__module__, model.__qualname__)
    if name in CAPTIONERS | CLASSIFIERS or not same:
        raise OptionError(
            f"The name '{name}' belongs to another model; give {model.__name__} one of its own."
        )
    _registered[name] = model
    return model


@overload
def find_model(name: str) -> type[CaptioningModel]: ...
@overload
def find_model(name: str, base: type[Base]) -> type[Base]: ...
@checked
def find_model(name: str, base: type[VideoModel] = CaptioningModel) -> type[VideoModel]:
    """The model class of a name.

    Args:
        name: The name.
        base: What the model must be, such as ``Classifier``.

    Raises:
        OptionError: If no model of that kind has this name, or an entry point leads to something else.
    """
    found = _found(name)
    if found is not None:
        if not issubclass(found, base):
            raise OptionError(
                f"'model.name' must be the name of a {base.__name__}, got {name!r}, which is none."
            )
        return found
    known = model_names(base)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise OptionError(f"'model.name' must be one of {known}, got {name!r}.{hint}")


def _found(name: str) -> type[VideoModel] | None:
    if name in _registered:
        return _registered[name]
    own = CAPTIONERS | CLASSIFIERS
    if name in own:
        module, _, attribute = own[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            found = point.load()
            if not (isinstance(found, type) and issubclass(found, VideoModel)) or found.name != name:
                raise OptionError(
                    f"The entry point '{name}' of {ENTRY_POINTS} must lead to a CaptioningModel or Classifier of that name, "
                    f"got {found!r}."
                )
            return found
    return None


def entry_point_names() -> list[str]:
    """Names of installed models, without importing them."""
    return sorted({point.name for point in entry_points(group=ENTRY_POINTS)})


@checked
def model_names(base: type[VideoModel] = CaptioningModel) -> list[str]:
    """All names that :func:`find_model` knows for a kind of models; installed ones may be of another kind."""
    own = CAPTIONERS if base is CaptioningModel else CLASSIFIERS
    registered = [name for name, model in _registered.items() if issubclass(model, base)]
    return sorted({*own, *registered, *entry_point_names()})
