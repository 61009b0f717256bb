"""Rules that arguments are checked against, made from annotations."""

from __future__ import annotations

import collections.abc
import inspect
import math
import os
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stgraph.checking.scope import resolved
from stgraph.checking.value_rules import (
    DEVICE,
    SIMPLE,
    TENSOR,
    TENSORS,
    Rule,
    is_tensor,
)
from stgraph.errors import shown
from stgraph.typing import Kind

__all__ = ["rule_of", "rules_of"]


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
    if isinstance(annotation, collections.abc.Hashable) and annotation in SIMPLE:
        return SIMPLE[annotation]
    if _is_of_torch(annotation, "Tensor"):
        return TENSOR
    if _is_of_torch(annotation, "device"):
        return DEVICE
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _annotated(arguments[0], arguments[1:])
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is typing.Literal:
        return _literal(arguments)
    if origin in (collections.abc.Callable, Callable):
        return _callable(arguments)
    if origin is type:
        return _class_rule(arguments[0])
    if origin is np.ndarray:
        return _array(arguments)
    if origin is not None:
        return _container(origin, arguments)
    if isinstance(annotation, typing.TypeVar):
        return None if annotation.__bound__ is None else rule_of(annotation.__bound__)
    if inspect.isclass(annotation):
        return _instance(annotation)
    return None


def _is_of_torch(annotation: Any, name: str) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and annotation is getattr(torch, name)


def _array(arguments: tuple[Any, ...]) -> Rule:
    """An array of the kind of values that ``NDArray[...]`` names; its precision is free."""
    held = (*typing.get_args(arguments[-1]), None)[0]
    known = (each for each in _KINDS if inspect.isclass(held) and issubclass(held, each[0]))
    _, letters, text = next(known, (None, "", ""))
    if not letters:
        return _instance(np.ndarray)  # type: ignore[return-value]
    return Rule(
        lambda value: isinstance(value, np.ndarray) and value.dtype.kind in letters, f"an array of {text}"
    )


_KINDS = (
    (np.bool_, "b", "True and False"),
    # Pixels, whose own check says what other pictures must become.
    (np.unsignedinteger, "fiub", "numbers"),
    (np.integer, "iub", "whole numbers"),
    (np.floating, "fiub", "numbers"),
)
"""The kind of values in an annotation, numpy's letters of the kinds that are taken for it, and its name in a message."""


def _instance(kind: type) -> Rule | None:
    if kind is object:
        return None
    if getattr(kind, "_is_protocol", False):
        return _protocol(kind)
    if kind in _CONTAINERS:
        return _container(kind, ())
    if kind is np.ndarray:
        return Rule(lambda value: isinstance(value, np.ndarray), "an array")
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    return Rule(lambda value: isinstance(value, kind), f"{article} {kind.__name__}")


def _protocol(kind: type) -> Rule | None:
    """What has the members of a protocol of ours; protocols of other packages are not checked."""
    if not kind.__module__.startswith("stgraph."):
        return None
    bases = [
        base for base in kind.__mro__ if getattr(base, "_is_protocol", False) and base is not typing.Protocol
    ]
    names = {name for base in bases for name in (*vars(base), *getattr(base, "__annotations__", {}))}
    members = sorted(name for name in names if not name.startswith("_") or name == "__call__")

    def accepts(value: Any) -> bool:
        return all(hasattr(type(value), name) or hasattr(value, name) for name in members)

    return Rule(accepts, f"a {kind.__name__} (with {', '.join(members)})")


def _callable(arguments: tuple[Any, ...]) -> Rule:
    """What can be called, with as many arguments as it will be given where the annotation says so."""
    if not arguments or not isinstance(arguments[0], list):
        return Rule(callable, "callable")
    given = (None,) * len(arguments[0])

    def accepts(value: Any) -> bool:
        if not callable(value):
            return False
        try:
            inspect.signature(value).bind(*given)
        except ValueError:  # written in C, without a signature
            return True
        except TypeError:
            return False
        return True

    return Rule(accepts, f"callable with {len(given)} argument{'s' * (len(given) != 1)}")


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
        return TENSORS[kinds[0].name]
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
    if str in members and any(_is_of_torch(member, "device") for member in members):
        return _or_none(DEVICE) if type(None) in members else DEVICE
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
        lambda value: (part for rule in found for part in rule.parts(value)),
        any(rule.tensors for rule in found),
    )


def _or_none(rule: Rule) -> Rule:
    inner = rule.accepts
    return rule if inner(None) else replace(rule, accepts=lambda value: value is None or inner(value))


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
    bounded = bool(arguments) and typing.get_origin(arguments[0]) is typing.Annotated
    number = typing.get_args(arguments[0])[0] if bounded else arguments[0] if arguments else None

    def accepts(value: Any) -> bool:
        if isinstance(value, np.ndarray) or is_tensor(value):
            if element is not None and element.tensor and is_tensor(value):
                return value.ndim > 1  # its rows are the tensors
            fits = number in (int, float) and value.ndim == 1 and _numeric(value, number)
            return fits and (element is None or not bounded or all(map(element.accepts, value.tolist())))
        if isinstance(value, (str, bytes)) or not (isinstance(value, kind) or _is_map_style(value)):
            return False
        if element is None or not isinstance(value, (list, tuple, set, frozenset, dict)):
            return True
        return all(map(element.accepts, value))

    def parts(value: Any) -> Iterator[tuple[str, Rule, Any]]:
        if element is not None and isinstance(value, (list, tuple)):
            yield from ((f"{{}}[{index}]", element, each) for index, each in enumerate(value))

    holds = element is not None and element.tensor
    return Rule(
        accepts, f"a sequence of {_plural(element)}" if element else "a sequence", False, parts, holds
    )


def _is_map_style(value: Any) -> bool:
    """Whether a value has items by number, as data sets of torch have, without being registered as a sequence."""
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, Mapping)


def _numeric(value: Any, wanted: type) -> bool:
    if is_tensor(value):
        if value.is_meta or value.is_complex() or value.dtype is sys.modules["torch"].bool:
            return False
        return wanted is float or not value.is_floating_point()
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

    def parts(value: Any) -> Iterator[tuple[str, Rule, Any]]:
        if isinstance(value, (list, tuple)) and len(value) == len(rules):
            for index, (rule, each) in enumerate(zip(rules, value, strict=True)):
                if rule is not None:
                    yield f"{{}}[{index}]", rule, each

    holds = any(rule is not None and rule.tensor for rule in rules)
    return Rule(accepts, f"a tuple of {len(rules)} ({inner})", False, parts, holds)


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

    def parts(value: Any) -> Iterator[tuple[str, Rule, Any]]:
        if isinstance(value, dict):
            for name, each in value.items():
                if key is not None:
                    yield "a key of {}", key, name
                if held is not None:
                    yield f"{{}}[{shown(repr(name), 60)}]", held, each

    keys, values = _plural(key), _plural(held)
    holds = held is not None and held.tensor
    text = f"a mapping from {keys} to {values}" if arguments else "a mapping"
    return Rule(accepts, text, False, parts, holds)


def _plural(rule: Rule | None) -> str:
    if rule is None:
        return "values"
    words = rule.text.split(" ", 1)
    return f"{words[1]}s" if words[0] in ("a", "an") and " " not in words[1] else f"({rule.text})"
