"""Reads text files, with errors that name the file and line."""

from __future__ import annotations

import codecs
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, shown
from stgraph.regular_files import check_regular

__all__ = ["lines_of", "read_text"]

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encoding by byte order mark; spreadsheets write "Unicode text" in UTF-16."""


@checked
def read_text(path: str | Path) -> str:
    """Reads a text in UTF-8, or in the Unicode encoding that its byte order mark names.

    Raises:
        MissingDataError: If there is no such file, or it can't be read.
        DataError: If the file is not such text.
    """
    path = Path(path)
    check_regular(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingDataError(f"{shown(path)} can't be read: {error.strerror or error}.") from error
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{shown(path)}, line {line} is not {encoding.removesuffix('-sig').upper()} text (byte "
            f"0x{content[error.start]:02x}); save the file as UTF-8."
        ) from error
    if (place := text.find("\0")) >= 0:
        raise DataError(
            f"{shown(path)}, line {text.count(chr(10), 0, place) + 1} has a NUL character, as in binary files or UTF-16 "
            "without a byte order mark; save the file as UTF-8 text."
        )
    return text


@checked
def lines_of(text: str) -> list[str]:
    """The lines of a text, however they end; unlike ``str.splitlines``, rarer separators are part of a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
