"""Parses tables (CSV, TSV) strictly: quotes must close, and all rows are as wide as the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import DataError, shown

__all__ = ["Row", "Table", "parse_table"]

SEPARATORS = ",;\t"


@checked
@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        line: Number of its first line in the file, from 1.
        values: Its fields without surrounding spaces, as many as the header has.
    """

    line: int
    values: tuple[str, ...]


@checked
@dataclass(frozen=True)
class Table:
    """A table with a header.

    Args:
        path: The file, for error messages.
        header: The names of the columns.
        rows: The other rows; blank ones are left out.
    """

    path: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def columns(self, known: Mapping[str, Sequence[str]], required: Sequence[str]) -> dict[str, int]:
        """Positions of columns.

        Args:
            known: Names that each column may have, in lower case, by kind of column; earlier names take precedence.
            required: Kinds that must be there.

        Raises:
            DataError: If a required column is missing, or a name occurs twice.
        """
        names = [name.lower().replace(" ", "_") for name in self.header]
        places: dict[str, int] = {}
        for kind, fitting in known.items():
            if found := next((name for name in fitting if name in names), None):
                if names.count(found) > 1:
                    raise DataError(f"{self.path} has two columns '{found}'; rename or drop one.")
                places[kind] = names.index(found)
        if lacking := [kind for kind in required if kind not in places]:
            others = ", ".join(other for kind in lacking for other in known.get(kind, ())[1:])
            raise DataError(
                f"{self.path} has no column {' and no column '.join(repr(kind) for kind in lacking)} (or one of "
                f"{others}) in its first line, '{shown(','.join(self.header), 80)}'; add a header."
            )
        return places


@checked
def parse_table(text: str, path: str | Path) -> Table:
    """Parses a table whose fields are separated by commas, semicolons or tabs, whichever its first line has most of.

    Fields with separators, quotes or line breaks are in double quotes, with quotes inside doubled.

    Args:
        text: The text.
        path: The file that it was read from, for error messages.

    Raises:
        DataError: If a quote doesn't close where a field ends, or a row has more or fewer fields than the header. The
            message names the file and line.
    """
    where = shown(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    header: tuple[str, ...] | None = None
    rows: list[Row] = []
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise DataError(_quote_problem(where, line, reader.line_num, str(error))) from error
        if fields is None:
            return Table(where, header or (), tuple(rows))
        values = tuple(field.strip() for field in fields)
        if not any(values):
            continue
        if header is None:
            header = values
            continue
        _check_swallowed(fields, separator, len(header), where, line)
        rows.append(Row(line, _fitted(values, len(header), where, line)))


def _fitted(values: tuple[str, ...], width: int, where: str, line: int) -> tuple[str, ...]:
    if len(values) < width:
        raise DataError(
            f"{where}: line {line} has fewer fields than the header, {len(values)} instead of {width}; correct it."
        )
    if any(values[width:]):
        raise DataError(
            f"{where}: line {line} has more fields than the header, {len(values)} instead of {width}; put captions that "
            "contain the separator in double quotes."
        )
    return values[:width]


def _check_swallowed(fields: Sequence[str], separator: str, width: int, where: str, line: int) -> None:
    """Refuses a quoted field over several lines that all look like rows, as its opening quote was probably never closed."""
    for field in fields:
        _, *inner = field.replace("\r\n", "\n").split("\n")
        written = [part for part in inner if part.strip()]
        if written and all(_is_row_like(part, separator, width) for part in written):
            number = line + 1 + inner.index(written[0])
            raise DataError(
                f"{where}: line {line} has a field in quotes that goes on over line {number}, which looks like a row of its "
                f"own ('{shown(written[0], 60)}'); close the quote, or write the field on one line."
            )


def _is_row_like(text: str, separator: str, width: int) -> bool:
    first, *others = text.split(separator)
    return len(others) == width - 1 > 0 and len(first.split()) == 1


def _quote_problem(where: str, line: int, last: int, error: str) -> str:
    if "expected after" in error:
        place = "the same line" if line == last else f"line {last}"
        return (
            f"{where}: line {line} has a field that begins with a quote, and text follows the closing quote in {place}; put "
            "the whole field in quotes and double those inside it."
        )
    if "limit" in error:
        return (
            f"{where}: line {line} has a field of more than {csv.field_size_limit():,} characters; close its quote, or "
            "shorten it."
        )
    return (
        f"{where}: line {line} has a field that begins with a quote that is never closed; close it, or double it and put "
        "the field in quotes."
    )
