"""Strict tables: no record is swallowed by a quote, and each refusal names the line."""

import csv
import io

import pytest

from stgraph.errors import DataError
from stgraph.parsing import parse_table

HEAD = "id,caption\n"
WRONG = {
    "a quote that never closes": (
        'v1,"a dog runs\nv2,a cat\nv3,a cow\n',
        "x.csv: line 2 has a field that begins with a quote that is never closed",
    ),
    "closed by the quote of a later row": (
        'v1,a\nv2,"a dog runs\nv3,"a cat"\n',
        "line 3 has a field .* and text follows the closing quote in line 4",
    ),
    "closed in a later caption": ('v1,"a dog\nv2,he says "hi" to her\n', "line 2 has a field .* in line 3"),
    "closed at the end of a later row": (
        'v1,"a dog\nv2,a cat"\nv3,a\n',
        r"line 2 has .* goes on over line 3, which looks like a row of its own \('v2,a cat'\)",
    ),
    "text after a quoted word": (
        'v1,"Hello" she says\n',
        "line 2 has a field .* in the same line; put the whole field in quotes",
    ),
    "too many fields": ("v1,a dog, running\n", "line 2 has more fields than the header, 3 instead of 2"),
    "too few": ("v1,a dog\n\nv2\n", "line 4 has fewer fields than the header, 1 instead of 2"),
    "too long": ('v1,"' + "x" * 140_000, "line 2 has a field of more than 131,072 characters"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused_names_file_and_line(name):
    text, words = WRONG[name]
    with pytest.raises(DataError, match=words):
        parse_table(HEAD + text, "x.csv")
    with pytest.raises(DataError, match=words):
        parse_table((HEAD + text).replace("\n", "\r\n"), "x.csv")


@pytest.mark.parametrize(
    "rows",
    [
        [["v1", "a dog, running"], ["v2", 'he says "hi"'], ["v3", '"Hello" she says']],
        [["v1", "one\ntwo"], ["v2", "one\n\nand two; three, four"], ["v3", '"']],
        [["v1", ""], ["v2", "'a'"]],
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_pythons_writer_writes_is_read(rows, separator, end):
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator=end).writerows([["id", "caption"], *rows])
    table = parse_table(file.getvalue(), "x")
    assert table.header == ("id", "caption")
    assert [list(row.values) for row in table.rows] == rows


def test_lines_are_those_of_the_file():
    table = parse_table('\n\nid;caption\n\nv1;"one\ntwo"\n;\nv2;three;;\n', "x")
    assert [(row.line, row.values[0]) for row in table.rows] == [(5, "v1"), (8, "v2")]


def test_quotes_inside_a_field_are_part_of_it():
    table = parse_table(HEAD + 'v1,he says "hi"\nv2, "a dog, running"\n', "x")
    assert [row.values[1] for row in table.rows] == ['he says "hi"', "a dog, running"]


def test_columns():
    table = parse_table("Caption,ID,Video ID\na,b,c\n", "x")
    known = {"id": ("video_id", "id"), "caption": ("caption",), "split": ("split",)}
    assert table.columns(known, ("id", "caption")) == {"id": 2, "caption": 0}
    with pytest.raises(DataError, match="x has no column 'split'"):
        table.columns(known, ("split",))
    with pytest.raises(DataError, match="x has two columns 'id'"):
        parse_table("id,id\n1,2\n", "x").columns({"id": ("id",)}, ("id",))
