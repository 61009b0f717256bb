"""Parses JSON strictly: each key once, finite numbers of 64 bits, bounded depth, and errors that name file and line."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stgraph.checking import checked
from stgraph.errors import DataError, listed, shown
from stgraph.parsing.text import lines_of, read_text

__all__ = ["is_json", "is_json_lines", "parse_json", "parse_json_lines", "read_json", "structure_of"]

MAX_DEPTH = 100
"""Largest number of nested lists and objects; no layout that is read has more than a few."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LARGEST = 2**63


@checked
def read_json(path: str | Path, *, finite: bool = True) -> Any:
    """Reads a JSON file.

    Raises:
        MissingDataError: If there is no such file.
        DataError: As in :func:`parse_json`.
    """
    return parse_json(read_text(path), path, finite=finite)


@checked
def parse_json(text: str, path: str | Path, *, finite: bool = True) -> Any:
    """Parses a JSON text.

    Args:
        text: The text.
        path: The file that it was read from, for error messages.
        finite: Whether to refuse ``NaN`` and ``Infinity``, which are no JSON but which Python writes.

    Raises:
        DataError: If the text is not valid JSON, an object has the same key twice, a number is not finite or an integer
            not of 64 bits, lists and objects nest deeper than :data:`MAX_DEPTH`, or a string is not Unicode. The message
            names the file and line.
    """
    return _parse(text, shown(path), finite, 1)


@checked
def parse_json_lines(text: str, path: str | Path) -> list[tuple[int, Any]]:
    """Parses a text of one JSON value per line; blank lines are skipped.

    Returns:
        The number of each line, from 1, and its value.

    Raises:
        DataError: As in :func:`parse_json`.
    """
    lines = enumerate(lines_of(text), start=1)
    return [(number, _parse(line, shown(path), True, number)) for number, line in lines if line.strip()]


@checked
def is_json(text: str) -> bool:
    """Whether a text begins like a JSON object or list."""
    return text.lstrip().startswith(("{", "["))


@checked
def is_json_lines(text: str) -> bool:
    """Whether a text has several lines of which the first is a JSON object of its own.

    >>> is_json_lines('{"id": "v1"}\\n{"id": "v2"}'), is_json_lines('{"id":\\n"v1"}'), is_json_lines('{"id": "v1"}\\n')
    (True, False, False)
    """
    first, _, rest = text.strip().partition("\n")
    if not first.startswith("{") or not rest:
        return False
    try:
        json.JSONDecoder(strict=False).decode(first)
    except (ValueError, RecursionError):
        return False
    return True


@checked
def structure_of(value: object, depth: int = 1) -> str:
    """Describes what a JSON value is made of, for messages about unknown layouts.

    >>> structure_of([1, 2]), structure_of({"a": ["x"], "b": ["y"]})
    ('a list of numbers', "an object with the keys 'a', 'b', whose values are lists")
    """
    if isinstance(value, dict):
        if not value:
            return "an empty object"
        kinds = {_plural(each) for each in value.values()}
        inside = f", whose values are {kinds.pop()}" if depth and len(kinds) == 1 else ""
        return f"an object with the keys {listed(list(value), 3)}{inside}"
    if isinstance(value, list):
        kinds = {_plural(each) for each in value}
        if not kinds:
            return "an empty list"
        if kinds == {"objects"} and depth:
            return f"a list of objects with the keys {listed(list(value[0]), 5)}"
        return f"a list of {' and '.join(sorted(kinds))}"
    names = {"null": "null", "texts": "a text", "numbers": "a number", "true or false": "true or false"}
    return names.get(_plural(value), f"a value of type {type(value).__name__}")


def _plural(value: object) -> str:
    if value is None:
        return "null"
    kinds = (
        (bool, "true or false"),
        (str, "texts"),
        (int | float, "numbers"),
        (list, "lists"),
        (dict, "objects"),
    )
    return next(
        (name for kind, name in kinds if isinstance(value, kind)), f"values of type {type(value).__name__}"
    )


class _Refusal(Exception):
    """What is wrong with a text, and a search for its line."""

    def __init__(self, problem: str, line: Callable[[str], int]) -> None:
        super().__init__(problem)
        self.line = line


def _parse(text: str, where: str, finite: bool, first_line: int) -> Any:
    try:
        content = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=_each_key_once,
            parse_int=_integer,
            parse_float=_finite if finite else float,
            parse_constant=_no_constant if finite else float,
        )
        _check_depth(content)
        if _SURROGATE.search(text):
            _check_unicode(content)
        return content
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(
            f"{where} is not valid JSON: line {line}, column {error.colno}: {_PROBLEMS.get(error.msg, error.msg)}; "
            "correct it."
        ) from error
    except RecursionError:
        refusal = _too_deep()
    except _Refusal as found:
        refusal = found
    raise DataError(f"{where}, line {first_line + refusal.line(text) - 1}: {refusal}")


_PROBLEMS = {
    "Extra data": "another value follows the first, but a file holds one JSON value, or one per line",
    "Expecting value": "a value is missing or misspelt",
}


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise _Refusal(
            f"the key '{shown(twice)}' appears twice; join the two entries or drop one.", _line_of_repeat
        )
    return found


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > 19 or abs(number := int(text)) >= _LARGEST:
        raise _Refusal(
            f"the number {shown(text, 30)} of {len(text.lstrip('-'))} digits exceeds 64 bits; correct it.",
            _line_of(lambda token: token == text),
        )
    return number


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise _Refusal(
            f"the number {shown(text, 30)} is too large; correct it.", _line_of(lambda token: token == text)
        )
    return number


def _no_constant(text: str) -> float:
    raise _Refusal(
        f"{text} is not a number in JSON; correct or drop it.", _line_of(lambda token: token == text)
    )


def _check_depth(content: object) -> None:
    level = [content]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> _Refusal:
    return _Refusal(
        f"lists and objects nest deeper than {MAX_DEPTH} levels; no layout needs that.", _line_of_depth
    )


def _check_unicode(content: object) -> None:
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        wrong = error.object[error.start]
        raise _Refusal(
            f"a string has half of a surrogate pair, {shown(wrong)}, which is no character; correct it.",
            _line_of(lambda token: token.startswith('"') and wrong in json.loads(token, strict=False)),
        ) from error


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each token."""
    line, place = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", place, match.start())
        place = match.start()
        yield line, match[0]


def _line_of(fits: Callable[[str], bool]) -> Callable[[str], int]:
    return lambda text: next((line for line, token in _tokens(text) if fits(token)), 1)


def _line_of_depth(text: str) -> int:
    depth = 0
    for line, token in _tokens(text):
        depth += (token in "{[") - (token in "}]")
        if depth > MAX_DEPTH:
            return line
    return 1


def _line_of_repeat(text: str) -> int:
    keys: list[set[str]] = []
    last = ""
    for line, token in _tokens(text):
        if token in "{[":
            keys.append(set())
        elif token in "}]":
            keys.pop()
        elif token == ":" and keys:
            key = json.loads(last, strict=False)
            if key in keys[-1]:
                return line
            keys[-1].add(key)
        last = token
    return 1
