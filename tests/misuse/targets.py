"""Every public callable: functions, constructors and public methods of what the packages of stgraph export."""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import stgraph

SKIPPED_PACKAGES = ("stgraph.commands", "stgraph.settings", "stgraph.configs")
"""The command line and what it reads files with; tests of commands and of fuzzed files cover them."""


@dataclass(frozen=True)
class Target:
    """A public callable.

    Args:
        label: ``name`` of a function or class, ``Class.method`` of a method.
        package: The package that exports it.
        owner: The class of a method, else None.
        function: The function, class, or method as found on the class.
        parameters: What a call can pass, without ``self``.
    """

    label: str
    package: str
    owner: type | None
    function: Callable[..., Any]
    parameters: tuple[inspect.Parameter, ...]
    bound: bool = False


def packages() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(stgraph.__path__, "stgraph.") if module.ispkg]
    return ["stgraph", *(name for name in names if not name.startswith(SKIPPED_PACKAGES))]


def exports() -> Iterator[tuple[str, str, Any]]:
    """Package, name and object of all that is exported and callable, each object once."""
    seen: set[int] = set()
    for package in packages():
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if callable(value) and id(value) not in seen:
                seen.add(id(value))
                yield package, name, value


def targets() -> Iterator[Target]:
    for package, name, value in exports():
        if not inspect.isclass(value):
            if inspect.isfunction(value):  # an alias of a type is no callable of ours
                yield Target(name, package, None, value, parameters_of(value))
            continue
        if issubclass(value, (Exception, enum.Enum)) or getattr(value, "_is_protocol", False):
            continue
        if not inspect.isabstract(value):
            yield Target(name, package, None, value, parameters_of(value))
        yield from methods(package, name, value)


def methods(package: str, name: str, owner: type) -> Iterator[Target]:
    """Public methods that a class of ours defines or inherits from another class of ours."""
    for method in sorted(dir(owner)):
        found = next((base for base in owner.__mro__ if method in vars(base)), None)
        if found is None or not found.__module__.startswith("stgraph"):
            continue
        if method.startswith("_") and method != "__call__":
            continue
        if method in getattr(owner, "__dataclass_fields__", ()):  # a field whose default is a function
            continue
        static = inspect.getattr_static(owner, method)
        bound = isinstance(static, (classmethod, staticmethod))
        function = static.__func__ if bound else static
        if not inspect.isfunction(function) or getattr(function, "__isabstractmethod__", False):
            continue
        skip = 0 if isinstance(static, staticmethod) else 1
        yield Target(f"{name}.{method}", package, owner, function, parameters_of(function)[skip:], bound)


def parameters_of(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(function).parameters.values())
