"""Reads UTF-8 text and JSON files, with errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stgraph.errors import DataError, MissingDataError

__all__ = ["parse_json", "read_json", "read_text"]


def read_text(path: str | Path) -> str:
    """Reads a UTF-8 text, with or without a byte order mark.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file is not UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"There is no file at {path}; give the path of an existing one.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error}); convert it.") from error


def read_json(path: str | Path) -> Any:
    """Reads a JSON file.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file is not valid JSON, or an object has the same key twice.
    """
    return parse_json(read_text(path), path)


def parse_json(text: str, path: str | Path) -> Any:
    """Parses a JSON text.

    Args:
        text: The text.
        path: The file that it was read from, for error messages.

    Raises:
        DataError: If the text is not valid JSON, or an object has the same key twice.
    """

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise DataError(f"{path}: '{key}' appears twice; join the two entries or drop one.")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=without_repeats)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not valid JSON: {error}.") from error
