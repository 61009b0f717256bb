"""Rules that arguments are checked against, made from annotations."""

from __future__ import annotations

import collections.abc
import inspect
import math
import numbers
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.checking.scope import resolved
from stgraph.typing import Kind

__all__ = ["Rule", "rule_of", "rules_of"]

LARGEST = 1 << 63
"""Integers at or above this don't fit any tensor."""


@dataclass(frozen=True)
class Rule:
    """What an argument may be.

    Args:
        accepts: Whether a value fits.
        text: What it must be, continuing "'name' must be".
        tensor: Whether the argument takes a tensor.
    """

    accepts: Callable[[Any], bool]
    text: str
    tensor: bool = False

    def remedy(self, value: object) -> str:
        """What to do about a value that doesn't fit, where the text alone doesn't say it."""
        if self.tensor and isinstance(value, (list, tuple, np.ndarray)):
            return "; convert it with torch.as_tensor(...)"
        if self.tensor and isinstance(value, Tensor):
            return "; convert it with .float(), .long() or .bool()"
        if isinstance(value, Tensor):
            return "; pass .item() or .tolist() of it"
        return ""


def rules_of(
    function: Callable[..., Any], skip: int
) -> tuple[list[tuple[str, Rule | None]], dict[str, Rule | None]]:
    """The rules of a function's parameters by position and by name; ``skip`` leading ones have none."""
    positional: list[tuple[str, Rule | None]] = []
    named: dict[str, Rule | None] = {}
    for parameter in list(inspect.signature(function).parameters.values())[skip:]:
        rule = None
        if parameter.annotation is not parameter.empty:
            rule = rule_of(resolved(function, parameter.annotation))
            if rule is not None and parameter.default is None:
                rule = _or_none(rule)
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += [(parameter.name, rule)] * 32  # more are not checked
        elif parameter.kind is not parameter.VAR_KEYWORD:
            if parameter.kind is not parameter.KEYWORD_ONLY:
                positional.append((parameter.name, rule))
            named[parameter.name] = rule
    return positional, named


def rule_of(annotation: Any) -> Rule | None:
    """The rule of an annotation; None where anything is allowed or where the value cannot be checked."""
    if isinstance(annotation, collections.abc.Hashable) and annotation in _SIMPLE:
        return _SIMPLE[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _annotated(arguments[0], arguments[1:])
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is typing.Literal:
        return _literal(arguments)
    if origin in (collections.abc.Callable, Callable):
        return Rule(callable, "callable")
    if origin is type:
        return _class_rule(arguments[0])
    if origin is not None:
        return _container(origin, arguments)
    if inspect.isclass(annotation):
        return _instance(annotation)
    return None


def _instance(kind: type) -> Rule | None:
    if getattr(kind, "_is_protocol", False) or kind is object:
        return None
    if kind in _CONTAINERS:
        return _container(kind, ())
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    return Rule(lambda value: isinstance(value, kind), f"{article} {kind.__name__}")


def _class_rule(bound: Any) -> Rule | None:
    if not inspect.isclass(bound):
        return Rule(inspect.isclass, "a class")
    return Rule(
        lambda value: inspect.isclass(value) and issubclass(value, bound), f"a subclass of {bound.__name__}"
    )


def _literal(allowed: tuple[Any, ...]) -> Rule:
    names = " or ".join(map(repr, allowed))
    kinds = tuple({type(value) for value in allowed})
    return Rule(lambda value: type(value) in kinds and value in allowed, names)


def _annotated(base: Any, extras: tuple[Any, ...]) -> Rule | None:
    kinds = [extra for extra in extras if isinstance(extra, Kind)]
    if kinds:
        return _TENSORS[kinds[0].name]
    rule = rule_of(base)
    if rule is None:
        return None
    bounds = [bound for extra in extras for bound in getattr(extra, "metadata", [extra])]
    texts, tests = [], []
    for bound in bounds:
        for name, sign, test in _BOUNDS:
            if hasattr(bound, name):
                limit = getattr(bound, name)
                if limit != math.inf:
                    texts.append(f"{sign} {limit}")
                tests.append((test, limit))
    if not tests:
        return rule
    inner = rule.accepts
    return Rule(
        lambda value: inner(value) and (value is None or all(test(value, limit) for test, limit in tests)),
        f"{rule.text} {' and '.join(texts)}".replace(
            "a number", "a finite number", int(any(x == math.inf for _, x in tests))
        ),
    )


_BOUNDS = (
    ("ge", "of at least", lambda value, limit: value >= limit),
    ("gt", "above", lambda value, limit: value > limit),
    ("le", "of at most", lambda value, limit: value <= limit),
    ("lt", "below", lambda value, limit: value < limit),
)


def _union(members: tuple[Any, ...]) -> Rule | None:
    if set(members) - {type(None)} == {torch.device, str}:
        return _or_none(_DEVICE) if type(None) in members else _DEVICE
    if {str, Path} <= set(members):
        members = (*(set(members) - {str, Path}), os.PathLike)
    rules = [rule_of(member) for member in members]
    if any(rule is None for rule in rules):
        return None
    found = [rule for rule in rules if rule is not None]
    accepts = tuple(rule.accepts for rule in found)
    return Rule(
        lambda value: any(each(value) for each in accepts),
        " or ".join(dict.fromkeys(rule.text for rule in found)),
        any(rule.tensor for rule in found),
    )


def _or_none(rule: Rule) -> Rule:
    inner = rule.accepts
    return rule if inner(None) else Rule(lambda value: value is None or inner(value), rule.text, rule.tensor)


_CONTAINERS = (
    *(list, tuple, set, frozenset, dict),
    *(
        collections.abc.Sequence,
        collections.abc.Collection,
        collections.abc.Iterable,
        collections.abc.Mapping,
    ),
)


def _container(origin: Any, arguments: tuple[Any, ...]) -> Rule | None:
    if origin in (dict, collections.abc.Mapping):
        return _mapping(arguments)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return _fixed(arguments)
    if origin in (list, tuple, collections.abc.Sequence):
        return _sequence(collections.abc.Sequence, arguments)
    if origin in (set, frozenset, collections.abc.Collection, collections.abc.Set):
        return _sequence(collections.abc.Collection, arguments)
    if origin in (collections.abc.Iterable, collections.abc.Iterator):
        return _sequence(collections.abc.Iterable, arguments)
    return _instance(origin) if inspect.isclass(origin) else None


def _sequence(kind: Any, arguments: tuple[Any, ...]) -> Rule:
    element = rule_of(arguments[0]) if arguments else None
    holds_numbers = bool(arguments) and arguments[0] in (int, float)

    def accepts(value: Any) -> bool:
        if isinstance(value, (np.ndarray, Tensor)):
            return holds_numbers and value.ndim == 1 and _numeric(value, arguments[0])
        if isinstance(value, (str, bytes)) or not isinstance(value, kind):
            return False
        if element is None or not isinstance(value, (list, tuple, set, frozenset, dict)):
            return True
        return all(map(element.accepts, value))

    return Rule(accepts, f"a sequence of {_plural(element)}" if element else "a sequence")


def _numeric(value: Any, wanted: type) -> bool:
    if isinstance(value, Tensor):
        return (
            not value.is_meta
            and (value.dtype not in (torch.bool, torch.complex64))
            and (wanted is float or not value.is_floating_point())
        )
    return value.dtype.kind in ("iu" if wanted is int else "iuf")


def _fixed(arguments: tuple[Any, ...]) -> Rule:
    rules = [rule_of(argument) for argument in arguments]

    def accepts(value: Any) -> bool:
        if isinstance(value, (str, bytes)) or not isinstance(value, collections.abc.Sequence):
            return False
        return len(value) == len(rules) and all(
            rule is None or rule.accepts(each) for rule, each in zip(rules, value, strict=True)
        )

    inner = ", ".join("anything" if rule is None else rule.text for rule in rules)
    return Rule(accepts, f"a tuple of {len(rules)} ({inner})")


def _mapping(arguments: tuple[Any, ...]) -> Rule:
    key = rule_of(arguments[0]) if arguments else None
    held = rule_of(arguments[1]) if arguments else None

    def accepts(value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        if not isinstance(value, dict):
            return True  # reads its values when they are asked for
        return (key is None or all(map(key.accepts, value))) and (
            held is None or all(map(held.accepts, value.values()))
        )

    keys, values = _plural(key), _plural(held)
    return Rule(accepts, f"a mapping from {keys} to {values}" if arguments else "a mapping")


def _plural(rule: Rule | None) -> str:
    if rule is None:
        return "values"
    words = rule.text.split(" ", 1)
    return f"{words[1]}s" if words[0] in ("a", "an") and " " not in words[1] else f"({rule.text})"


def _is_integer(value: Any) -> bool:
    return (
        isinstance(value, numbers.Integral)
        and not isinstance(value, bool)
        and -LARGEST <= int(value) < LARGEST
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return True
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    return not isinstance(value, int) or -LARGEST <= value < LARGEST


def _is_path(value: Any) -> bool:
    if not isinstance(value, (str, os.PathLike)):
        return False
    return "\0" not in str(value)


def _is_device(value: Any) -> bool:
    if isinstance(value, str):
        try:
            value = torch.device(value)
        except RuntimeError:
            return False
    if not isinstance(value, torch.device):
        return False
    if value.type == "cuda":
        return (value.index or 0) < number_of_gpus()
    return value.type == "cpu" or (value.type != "meta" and _has(value.type))


def number_of_gpus() -> int:
    """How many CUDA devices torch can use here."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


@cache
def _has(kind: str) -> bool:
    module = getattr(torch, kind, None)
    return module is not None and bool(getattr(module, "is_available", lambda: False)())


_DEVICE = Rule(_is_device, "a device of this machine, such as 'cpu' or 'cuda:0' where there is a GPU")
_PATH = Rule(_is_path, "a path")
_TENSORS = {
    "floating": Rule(
        lambda value: isinstance(value, Tensor) and value.is_floating_point(), "a floating-point tensor", True
    ),
    "integer": Rule(
        lambda value: isinstance(value, Tensor) and value.dtype == torch.int64, "an int64 tensor", True
    ),
    "boolean": Rule(
        lambda value: isinstance(value, Tensor) and value.dtype == torch.bool, "a bool tensor", True
    ),
}
_SIMPLE: dict[Any, Rule | None] = {
    Any: None,
    object: None,
    inspect.Parameter.empty: None,
    None: Rule(lambda value: value is None, "None"),
    type(None): Rule(lambda value: value is None, "None"),
    bool: Rule(lambda value: isinstance(value, (bool, np.bool_)), "True or False"),
    int: Rule(_is_integer, "a whole number"),
    float: Rule(_is_number, "a number"),
    str: Rule(lambda value: isinstance(value, str), "a string"),
    os.PathLike: _PATH,
    Path: Rule(lambda value: isinstance(value, Path) and _is_path(value), "a path"),
    Tensor: Rule(lambda value: isinstance(value, Tensor), "a tensor", True),
    torch.device: _DEVICE,
}
