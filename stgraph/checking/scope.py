"""Annotations as objects: names that a module imports for type checkers only are imported when a rule needs them."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, ForwardRef

__all__ = ["resolved"]

_ONE_AT_A_TIME = threading.RLock()  # a finalizer may come back here


def resolved(function: Callable[..., Any], annotation: Any) -> Any:
    """Evaluates an annotation of a function; `Any` where a package that it names is not installed."""
    if isinstance(annotation, ForwardRef):  # of a field of a NamedTuple
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    function = inspect.unwrap(function)
    names = getattr(function, "__globals__", None)
    if names is None or names["__name__"].startswith(
        "namedtuple_"
    ):  # `collections` makes constructors elsewhere
        names = vars(sys.modules[getattr(function, "__module__", "builtins")])
    scope = _Names(names)
    try:
        return eval(annotation, {}, scope)  # an annotation of our own source
    except (NameError, ImportError):  # a class that is local to a function, or an optional package
        return Any


class _Names(Mapping[str, Any]):
    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def __getitem__(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        imported = _typing_imports(self.names.get("__file__") or "")
        if name not in imported:
            raise KeyError(name)
        module, attribute = imported[name]
        found = importlib.import_module(module)
        return getattr(found, attribute) if attribute else found

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def _parsed(text: str) -> ast.Module:
    """Parses a module; CPython 3.11 fails with ``SystemError`` where several threads do so at once."""
    with _ONE_AT_A_TIME:
        for _ in range(20):  # other packages may parse without this lock
            with suppress(SystemError):
                return ast.parse(text)
        return ast.parse(text)


@cache
def _typing_imports(path: str) -> dict[str, tuple[str, str | None]]:
    """Module and attribute of each name that the file imports under ``if TYPE_CHECKING``."""
    try:
        with open(path, encoding="utf-8") as file:
            tree = _parsed(file.read())
    except (OSError, SyntaxError):
        return {}
    found: dict[str, tuple[str, str | None]] = {}
    for block in tree.body:
        if not (isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")):
            continue
        for node in block.body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {each.asname or each.name: (node.module, each.name) for each in node.names}
            elif isinstance(node, ast.Import):
                found |= {
                    each.asname or each.name.split(".")[0]: (
                        (each.asname and each.name) or each.name.split(".")[0],
                        None,
                    )
                    for each in node.names
                }
    return found
