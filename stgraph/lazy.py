"""Lazy exports of a package: modules are imported when a name is first used (PEP 562)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(
    package: str, exports: Mapping[str, str], before: Callable[[], None] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Creates ``__getattr__`` and ``__dir__`` for a package that imports its exports on first use.

    Args:
        package: The package's ``__name__``.
        exports: Module that defines each exported name.
        before: Called before each import; may raise.

    Returns:
        The functions to assign to ``__getattr__`` and ``__dir__`` in the package's ``__init__.py``.
    """

    def get(name: str) -> Any:
        if name not in exports:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}; it exports {', '.join(sorted(exports))}"
            )
        if before is not None:
            before()
        module = importlib.import_module(exports[name])
        value = module if module.__name__ == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *exports})

    return get, names
