"""Mutations of bytes, of the tokens of a text, and of the tree of a JSON value or of plain Python values."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["mutate_bytes", "mutate_text", "mutate_tokens", "mutate_tree", "several"]

NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, 2**40)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\w.+-]+|\s+|.', re.DOTALL)
# fmt: off
TOKENS = (
    "null", "true", "False", "NaN", "-Infinity", "1e999", "9" * 400, "-1", "0", "-0.0", "1.5", "0x10", "1_000", str(2**63),
    "1e-320", '""', '" "', '"\\u0000"', '"\\ud800"', '"\\u001b[31m"', '"\\u202e"', "[", "{", "]", "}", "[" * 3000,
    '{"a":' * 200,
    "\x1b[31m", "\u202e", "\ufeff", "\0", '"', "'", ",", "\t", ";", ":", "\r", "\n", "\u2028",
    "\x85", "\x0c",
    "${oc.env:HOME}",
    "&a", "*a",
    "!!python/object/apply:os.system", "_target_", "<<", "---", "|", ">", "#", "../../etc/passwd", "/etc/passwd", "train",
    "é",
    "e\u0301", "\U0001f600", "a" * 70_000, "video_id", "caption", "split",
)
# fmt: on
VALUES: tuple[Callable[[], Any], ...] = (
    *(
        lambda value=value: value
        for value in (
            None,
            True,
            False,
            0,
            -1,
            1,
            3,
            1.5,
            2**31,
            2**53 + 1,
            2**63 - 1,
            2**63,
            -(2**63) - 1,
            10**30,
            1e308,
            1e-320,
            float("inf"),
            float("-inf"),
            float("nan"),
            "",
            " ",
            "x",
            "1",
            "true",
            "\0",
            "\ud800",
            "\x1b[2J",
            "\u202e",
            "\u200b",
            "a\nb",
            "a" * 5000,
            "../../x",
            "/etc/passwd",
            "${oc.env:HOME}",
            "train",
            "a dog runs",
        )
    ),
    list,
    dict,
    lambda: [[]],
    lambda: {"a": {}},
    lambda: [1, 2],
    lambda: ["a", "b"],
    lambda: [None],
    lambda: {"": 0},
    lambda: {"_target_": "os.system", "command": "false"},
    lambda: _nested(150),
    lambda: _nested(90),
    lambda: [0.5] * 2000,
)  # fmt: skip
"""Makers of values that take the place of another one."""


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def several(draw: random.Random) -> int:
    """How many mutations an input gets: mostly one."""
    return draw.choice((1, 1, 1, 2, 3, 5))


def mutate_bytes(draw: random.Random, content: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Flips bits, sets bytes and integers, cuts, inserts, deletes, repeats, swaps and splices parts."""
    for _ in range(several(draw)):
        content = _mutated_once(draw, content, others)
    return content


def _mutated_once(draw: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    if not content:
        return draw.randbytes(8)
    changed, place = bytearray(content), draw.randrange(len(content))
    length = min(draw.choice((1, 2, 4, 8, 16, 64, 512, 4096)), len(content) - place)
    part = content[place : place + length]
    match draw.randrange(12):
        case 0 | 1:
            changed[place] ^= 1 << draw.randrange(8)
        case 2:
            changed[place] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        case 3 | 4:
            size, order = draw.choice((2, 4, 8)), draw.choice(("little", "big"))
            old = int.from_bytes(part[:size], order)
            number = draw.choice((*NUMBERS, old + draw.choice((-8, -1, 1, 8, 64)))) % 2 ** (8 * size)
            changed[place : place + size] = number.to_bytes(size, order)[: len(content) - place]
        case 5:
            return content[:place]
        case 6:
            del changed[place : place + length]
        case 7:
            changed[place:place] = part * draw.choice((1, 1, 2, 30))
        case 8:
            changed[place:place] = draw.choice((draw.randbytes(length), b"\0" * length, b"\xff" * length))
        case 9:
            changed[place : place + length] = b"\0" * length
        case 10:
            other = draw.randrange(len(content) - length + 1)
            changed[place : place + length], changed[other : other + length] = (
                content[other : other + length],
                part,
            )
        case 11:
            donor = draw.choice(others) if others else content
            start = draw.randrange(len(donor)) if donor else 0
            changed[place : place + draw.choice((0, length, len(content)))] = donor[
                start : start + draw.choice((length, len(donor)))
            ]
    return bytes(changed)


def mutate_tokens(draw: random.Random, text: str) -> str:
    """Replaces, deletes, repeats, inserts and swaps words, strings, signs and spaces."""
    tokens = TOKEN.findall(text)
    for _ in range(several(draw)):
        place = draw.randrange(len(tokens) + 1)
        other = draw.randrange(len(tokens) + 1)
        match draw.randrange(6):
            case 0 | 1:
                tokens[place : place + 1] = [draw.choice(TOKENS)]
            case 2:
                del tokens[place : place + draw.choice((1, 1, 1, 5))]
            case 3:
                tokens[place:place] = tokens[place : place + draw.choice((1, 2, 10, 50))] * draw.choice(
                    (1, 1, 3)
                )
            case 4:
                tokens[place:place] = [draw.choice(TOKENS)]
            case 5:
                tokens[place : place + 1], tokens[other : other + 1] = (
                    tokens[other : other + 1],
                    tokens[place : place + 1],
                )
    return "".join(tokens)


def mutate_tree(draw: random.Random, value: Any) -> Any:
    """Changes a value of nested dicts and lists in place, and returns it."""
    for _ in range(several(draw)):
        places = list(_places(value))
        if not places:
            return draw.choice(VALUES)()
        holder, key = draw.choice(places)
        match draw.randrange(7):
            case 0 | 1 | 2:
                holder[key] = draw.choice(VALUES)()
            case 3:
                del holder[key]
            case 4:
                other, name = draw.choice(places)
                if isinstance(other, (dict, list)) and (
                    name in other if isinstance(other, dict) else name < len(other)
                ):
                    holder[key] = json_copy(other[name])
            case 5:
                if isinstance(holder, dict):
                    holder[
                        draw.choice(("", "x", "id", "_target_", 5, "split", "caption", "\x1b[2J", key))
                    ] = holder.pop(key)
                else:
                    holder.insert(key, json_copy(holder[key]))
            case 6:
                old = holder[key]
                if isinstance(old, bool) or not isinstance(old, (int, float)):
                    holder[key] = [old] if draw.random() < 0.5 else str(old)
                else:
                    holder[key] = draw.choice(
                        (-old, old + 1, old - 1, old * 1000, float(old), old + 0.5, old * 10**9)
                    )
    return value


def json_copy(value: Any) -> Any:
    """A copy that shares nothing that is changed here."""
    if isinstance(value, dict):
        return {key: json_copy(inner) for key, inner in value.items()}
    return [json_copy(inner) for inner in value] if isinstance(value, list) else value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        holder = left.pop()
        items = (
            holder.items()
            if isinstance(holder, dict)
            else enumerate(holder)
            if isinstance(holder, list)
            else ()
        )
        for key, inner in items:
            found.append((holder, key))
            left.append(inner)
    return found


def mutate_text(draw: random.Random, content: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Mutates a text file as bytes, as tokens or, if it is JSON, as a tree."""
    kind = draw.randrange(4)
    if kind == 0:
        return mutate_bytes(draw, content, others)
    if kind == 1:
        return mutate_tokens(draw, content.decode()).encode(errors="surrogatepass")
    try:
        value = json.loads(content)
    except ValueError:
        return mutate_tokens(draw, content.decode()).encode(errors="surrogatepass")
    changed = mutate_tree(draw, value)
    return json.dumps(changed, ensure_ascii=draw.random() < 0.5).encode(errors="surrogatepass")
