"""Records of the extractors that made a store's features, so that features of different extractors are not mixed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, StoreError
from stgraph.features.store.schema import DTYPES, check_streams
from stgraph.parsing import parse_json

NAME = re.compile(r"\w+([.\-/]\w+)*")


@checked
@dataclass(frozen=True)
class ExtractorRecord:
    """Describes the extractor of one stream.

    Args:
        name: Name of the extractor.
        weights: Hash of its weights, or any string that identifies them.
        versions: Versions of the packages used, by name.
        settings: Options that affect the features, as JSON values.

    Raises:
        OptionError: If ``settings`` are not JSON values, or the name has characters other than letters, digits and ``_.-/``.

    Reference: our own design.

    >>> ExtractorRecord("resnet50", "sha256:0a1b", {"torchvision": "0.29"}).to_json()
    '{"name": "resnet50", "settings": {}, "versions": {"torchvision": "0.29"}, "weights": "sha256:0a1b"}'
    """

    name: str
    weights: str
    versions: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):  # the pattern that a model folder accepts
            raise OptionError(
                f"An extractor's name must be words joined by '.', '-' or '/', such as my_lab.i3d, got {self.name!r}."
            )
        try:
            plain = json.loads(json.dumps([self.versions, self.settings]))
        except (TypeError, ValueError) as error:
            raise OptionError(
                f"Extractor '{self.name}': 'settings' must be plain JSON values: {error}."
            ) from error
        # JSON turns tuples into lists; convert now, so that a record equals its copy read from a file.
        object.__setattr__(self, "versions", plain[0])
        object.__setattr__(self, "settings", plain[1])

    def to_json(self) -> str:
        """All fields as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ExtractorRecord:
        """Parses the output of :meth:`to_json`.

        Raises:
            StoreError: If the text is not a record.
        """
        try:
            values = parse_json(text, "record", finite=False)
            if not isinstance(values["weights"], str) or not isinstance(values["settings"], dict):
                raise TypeError
            return cls(**{item.name: values[item.name] for item in fields(cls)})
        except (TypeError, KeyError, ValueError) as error:
            raise StoreError(
                f"An extractor record must be JSON with its four fields, got {text[:80]!r}."
            ) from error

    def differences(self, other: ExtractorRecord) -> list[str]:
        """Names and values of the fields that differ."""
        return [
            f"{item.name} {getattr(self, item.name)!r} and {getattr(other, item.name)!r}"
            for item in fields(self)
            if getattr(self, item.name) != getattr(other, item.name)
        ]


@dataclass(frozen=True)
class Header:
    """Attributes that all shards of a store share."""

    extractors: dict[str, ExtractorRecord]
    label_names: tuple[str, ...]
    dtype: str

    def __post_init__(self) -> None:
        check_streams(self.extractors)
        if self.dtype not in DTYPES:
            raise OptionError(f"'dtype' must be one of {DTYPES}, got {self.dtype!r}.")

    def check_same(self, other: Header, owner: str) -> None:
        """Checks that another header equals this one.

        Args:
            other: The other header.
            owner: Its file, for the error message.

        Raises:
            DataError: If streams, extractors, label names or dtypes differ; the message names the difference.
        """
        if unshared := sorted(self.extractors.keys() ^ other.extractors.keys()):
            raise DataError(
                f"{owner} has other streams: only one of the two has {', '.join(unshared)}; extract the same for both."
            )
        for stream, record in self.extractors.items():
            if parts := record.differences(other.extractors[stream]):
                raise DataError(
                    f"{owner} has '{stream}' of another extractor: {'; '.join(parts)}; use the same extractor for both."
                )
        if self.label_names != other.label_names:
            pairs = zip((*self.label_names, None), (*other.label_names, None), strict=False)
            first = next((index, *pair) for index, pair in enumerate(pairs) if pair[0] != pair[1])
            raise DataError(
                f"{owner} has other label names: label {first[0]} is {first[1]!r} and {first[2]!r}; use the same "
                "detector for both."
            )
        if self.dtype != other.dtype:
            raise DataError(
                f"{owner} has features of {other.dtype} instead of {self.dtype}; use the same 'dtype'."
            )


def encode_records(extractors: Mapping[str, ExtractorRecord]) -> str:
    """Encodes the records of all streams as JSON."""
    return json.dumps({stream: asdict(record) for stream, record in extractors.items()}, sort_keys=True)


def decode_records(text: str) -> dict[str, ExtractorRecord]:
    """Parses the output of :func:`encode_records`."""
    records = parse_json(text, "extractors", finite=False)
    return {stream: ExtractorRecord.from_json(json.dumps(value)) for stream, value in records.items()}
