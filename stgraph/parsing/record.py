"""Reads JSON files that stgraph wrote: each value must have the type that was written."""

from __future__ import annotations

import json
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from stgraph.checking import checked, described
from stgraph.errors import DataError, OptionError, shown
from stgraph.parsing.json_text import read_json

__all__ = ["RECORD", "read_record"]

RECORD = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""Rules of a dataclass that is read, as its ``__pydantic_config__``."""

Kind = TypeVar("Kind")


@checked
def read_record(path: Path, kind: type[Kind], what: str) -> Kind:
    """Reads a JSON file whose object has the fields of a dataclass or a pydantic model.

    Nothing is converted, except lists to tuples and integers to floats.

    Args:
        path: The file.
        kind: The class, with the rules :data:`RECORD`.
        what: What the file must be and what to do otherwise, such as "an extraction log; remove it".

    Raises:
        MissingDataError: If there is no such file.
        DataError: If it is not valid JSON, an entry is missing or unknown, or a value is of another type or not finite.
    """
    expected, _, remedy = what.partition("; ")
    try:
        content = read_json(path)
        # As JSON, in which a list may be a tuple and an object a dataclass.
        return cast(Kind, _adapter(cast(Hashable, kind)).validate_json(json.dumps(content)))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top level"
        raise DataError(
            f"{shown(path)} is not {expected} ('{shown(place, 80)}': {shown(first['msg'])}); {remedy}."
        ) from error
    except DataError as error:
        raise DataError(f"{str(error).removesuffix('; correct it.').rstrip('.')}; {remedy}.") from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(kind)
    except PydanticSchemaGenerationError as error:
        raise OptionError(
            f"'kind' must be a dataclass or a pydantic model, got {described(kind)}; decorate it with @dataclass."
        ) from error
