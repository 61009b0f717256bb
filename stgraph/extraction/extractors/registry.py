"""Finds extractors by name: stgraph's own, entry points of installed packages, and classes that the caller allows."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import entry_points
from typing import Any

from stgraph.checking import call_checked, checked
from stgraph.errors import OptionError
from stgraph.extraction.extractors.protocol import Extractor
from stgraph.features.store.provenance import ExtractorRecord

__all__ = ["ENTRY_POINTS", "OWN", "find_extractor", "make_extractor", "record_of"]

ENTRY_POINTS = "stgraph.extractors"
OWN = {
    "resnet18": "appearance.resnet:ResNet18",
    "resnet50": "appearance.resnet:ResNet50",
    "resnet101": "appearance.resnet:ResNet101",
    "resnet152": "appearance.resnet:ResNet152",
    "googlenet": "appearance.googlenet:GoogLeNetPool5",
    "vision_tower": "appearance.vision_tower:VisionTower",
    "i3d": "motion.i3d:I3D",
    "i3d_flow": "motion.i3d_flow:I3DFlow",
    "c3d": "motion.c3d:C3D",
    "s3d": "motion.s3d:S3D",
    "faster_rcnn": "objects.faster_rcnn:FasterRCNN",
    "visual_genome": "objects.visual_genome:VisualGenomeFasterRCNN",
}
"""stgraph's own extractors: module below ``stgraph.extraction.extractors`` and class, by name."""


@checked
def find_extractor(name: str, allow: Collection[str] = ()) -> Callable[..., Any]:
    """Finds the extractor class, or the detector, of a name.

    Args:
        name: Name of a stgraph extractor or of an entry point in the group ``stgraph.extractors``, or a dotted name
            listed in ``allow``.
        allow: Dotted names that may be imported; none by default, as importing a module runs its code.

    Raises:
        OptionError: If the name is unknown or not allowed, or refers to something that cannot be called.
    """
    if name in OWN:
        module, _, attribute = OWN[name].partition(":")
        return getattr(importlib.import_module(f"stgraph.extraction.extractors.{module}"), attribute)
    installed = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name in installed:
        found = installed[name].load()
    elif name in allow:
        found = _import(name)
    else:
        known = ", ".join(sorted([*OWN, *installed]))
        raise OptionError(
            f"There is no extractor '{name}' here; known are {known}. A class of your own must "
            "be allowed by its dotted name."
        )
    if not callable(found):
        raise OptionError(f"'{name}' must be a class or a function, got a {type(found).__name__}.")
    return found


@checked
def make_extractor(name: str, settings: Mapping[str, Any], allow: Collection[str] = ()) -> Extractor:
    """Creates the extractor of a name.

    A function ``frames -> boxes``, or a class whose instances can be called so, is treated as a detector and wrapped in
    :class:`~stgraph.extraction.extractors.objects.custom_detector.CustomDetector`, which adds features to its boxes.

    Args:
        name: Name of the extractor, see :func:`find_extractor`.
        settings: Constructor arguments.
        allow: Dotted names that may be imported.

    Raises:
        OptionError: If the name is unknown or not allowed, or the constructor doesn't accept the settings.
    """
    found = find_extractor(name, allow)
    if not (inspect.isclass(found) and issubclass(found, Extractor)):
        from stgraph.extraction.extractors.objects.custom_detector import wrap_detector

        return wrap_detector(name, found, settings)
    try:
        inspect.signature(found).bind(**settings)
    except TypeError as error:
        raise OptionError(f"Extractor '{name}': {error}.") from error
    return call_checked(found, **settings)


def record_of(name: str, settings: Mapping[str, Any], extractor: Extractor) -> ExtractorRecord:
    """The record of an extractor that stores and model folders keep."""
    return ExtractorRecord(name, extractor.weights, dict(extractor.versions), dict(settings))


def _import(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    if not module:
        raise OptionError(f"'{name}' must be a dotted name such as my_package.Detector.")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise OptionError(f"'{name}' cannot be imported ({error}); is its package installed?") from error
    except AttributeError as error:
        raise OptionError(f"There is no '{attribute}' in {module}; check the name.") from error
