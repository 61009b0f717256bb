"""Strict JSON: each text that Python's parser lets through, or ends in another error than ours."""

import json
import time

import pytest

from stgraph.errors import DataError
from stgraph.parsing import is_json_lines, parse_json, parse_json_lines, read_json, structure_of

WRONG = {
    "a key that comes twice": (
        '{"a": 1,\n "b": {"x": 1,\n "x": 2}}',
        "x.json, line 3: the key 'x' appears twice",
    ),
    "the same key in another spelling": ('{"a": 1,\n "\\u0061": 2}', "line 2: the key 'a' appears twice"),
    "NaN": ("[1,\n NaN]", "line 2: NaN is not a number in JSON"),
    "infinity": ("[-Infinity]", "line 1: -Infinity is not a number"),
    "beyond doubles": ("[1,\n\n1e999]", "line 3: the number 1e999 is too large"),
    "5,000 digits": (f"[1,\n{'9' * 5000}]", r"line 2: the number 9{27}... of 5000 digits exceeds 64 bits"),
    "64 bits": (f"[{2**63}]", "line 1: the number 9223372036854775808 of 19 digits exceeds 64 bits"),
    "1,000 lists": ("[" * 1000 + "]" * 1000, "line 1: lists and objects nest deeper than 100 levels"),
    "900 lists": ("[" * 900 + "]" * 900, "line 1: lists and objects nest deeper than 100 levels"),
    "1,000 objects": ('{"a":\n' * 1000 + "1" + "}" * 1000, "line 101: lists and objects nest deeper"),
    "100,000 lists never closed": ("[" * 100_000, "line 1: lists and objects nest deeper"),
    "half a surrogate pair": ('["a",\n"\\ud83d"]', r"line 2: a string has half of a surrogate pair, \\ud83d"),
    "half a pair in a key": ('{"\\udc00": 1}', "line 1: a string has half of a surrogate pair"),
    "two values": (
        '{"a": 1}\n{"b": 2}',
        "is not valid JSON: line 2, column 1: another value follows the first",
    ),
    "cut off": ('{"a": [1,\n', "is not valid JSON: line 2, column 1: a value is missing"),
    "a raw newline in a string": ('["a\nb"]', "is not valid JSON: line 1, column 4"),
    "nothing": ("", "is not valid JSON: line 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused_names_file_and_line(name):
    text, words = WRONG[name]
    with pytest.raises(DataError, match=words):
        parse_json(text, "x.json")


@pytest.mark.parametrize(
    "content",
    [
        {"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 2}]},
        [2**63 - 1, -(2**63) + 1, 1e308, -0.0, True, None, "", "\\ud83d as text"],
        "😀 and \u202e",
        json.loads("[" * 100 + "]" * 100),
    ],
)
def test_what_is_right_comes_out_as_pythons_parser_reads_it(content):
    for escaped in (True, False):
        assert parse_json(json.dumps(content, ensure_ascii=escaped), "x") == content


def test_numbers_that_are_not_finite_on_request():
    assert parse_json("[Infinity, 1e999]", "x", finite=False) == [float("inf")] * 2


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_key_that_comes_twice_among_50_000_is_found_at_once(tmp_path, place):
    keys = [f'"v{number}": ["a dog"]' for number in range(50_000)]
    keys.insert(1 if place == "first" else len(keys), '"v0": ["a cat"]')
    (tmp_path / "many.json").write_text("{" + ",\n".join(keys) + "}")
    start = time.perf_counter()
    with pytest.raises(
        DataError, match=rf"line {2 if place == 'first' else 50001}: the key 'v0' appears twice"
    ):
        read_json(tmp_path / "many.json")
    assert time.perf_counter() - start < 10  # a quadratic search takes minutes


def test_lines():
    assert parse_json_lines('{"a": 1}\n\n[2]\r\n', "x") == [(1, {"a": 1}), (3, [2])]
    with pytest.raises(DataError, match="x is not valid JSON: line 3, column 2"):
        parse_json_lines('{"a": 1}\n\n{a}\n', "x")
    with pytest.raises(DataError, match="x, line 2: the key 'a' appears twice"):
        parse_json_lines('{"a": 1}\n{"a": 1, "a": 2}\n', "x")
    assert is_json_lines('\n{"a": "b"}\n{"a": "c"}')
    assert not is_json_lines('{"a": "b"}\n')
    assert not is_json_lines('{\n"a": 1}')
    assert not is_json_lines("[1]\n[2]")
    assert not is_json_lines("id,caption\nv1,a dog")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2.5], "a list of numbers"),
        ([], "an empty list"),
        ({}, "an empty object"),
        ([1, "a"], "a list of numbers and texts"),
        ([{"a": 1}], "a list of objects with the keys 'a'"),
        ({"a": [1], "b": [2]}, "an object with the keys 'a', 'b', whose values are lists"),
        (
            dict.fromkeys("abcde", 1),
            "an object with the keys 'a', 'b', 'c' and 2 more, whose values are numbers",
        ),
        ("x", "a text"),
        (True, "true or false"),
        (None, "null"),
        (3, "a number"),
    ],
)
def test_structures_in_words(value, expected):
    assert structure_of(value) == expected
