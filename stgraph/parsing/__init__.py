"""Strict readers of text, JSON and tables that users give: nothing is skipped, and each refusal names file and line."""

from stgraph.parsing.json_text import (
    is_json,
    is_json_lines,
    parse_json,
    parse_json_lines,
    read_json,
    structure_of,
)
from stgraph.parsing.plain_pickle import PickledArray, read_plain_pickle
from stgraph.parsing.record import RECORD, read_record
from stgraph.parsing.table import Row, Table, parse_table
from stgraph.parsing.text import lines_of, read_text

__all__ = [
    "RECORD",
    "PickledArray",
    "Row",
    "Table",
    "is_json",
    "is_json_lines",
    "lines_of",
    "parse_json",
    "parse_json_lines",
    "parse_table",
    "read_json",
    "read_plain_pickle",
    "read_record",
    "read_text",
    "structure_of",
]
