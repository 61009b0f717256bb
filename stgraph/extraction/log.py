"""The log next to a store: which videos failed, and what each extractor cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stgraph.checking import checked
from stgraph.features.store.schema import is_one_file
from stgraph.files import write_text
from stgraph.parsing import RECORD, read_record

__all__ = ["ExtractionLog", "log_path"]


@checked
@dataclass(frozen=True)
class ExtractionLog:
    """Facts about an extraction run that don't belong to the features themselves.

    Args:
        failed: Reason for each video that could not be extracted, by file.
        seconds_per_video: Time that each extractor's model took per video, by extractor.
        device: Device that the models ran on.
    """

    __pydantic_config__ = RECORD

    failed: Mapping[str, str] = field(default_factory=dict)
    seconds_per_video: Mapping[str, float] = field(default_factory=dict)
    device: str = "cpu"

    def save(self, store: Path) -> Path:
        """Writes the log of a store next to it; earlier timings are kept where this run has none.

        Returns:
            The file written.
        """
        path = log_path(store)
        earlier = self.load(store).seconds_per_video if not self.seconds_per_video else {}
        content = {**asdict(self), "seconds_per_video": {**earlier, **self.seconds_per_video}}
        write_text(path, json.dumps(content, indent=1) + "\n")
        return path

    @classmethod
    def load(cls, store: Path) -> ExtractionLog:
        """Reads the log of a store; an empty one if there is none.

        Raises:
            DataError: If the file is not such a log.
        """
        path = log_path(store)
        if not path.is_file():
            return cls()
        return read_record(path, cls, "an extraction log; remove it")


def log_path(store: Path) -> Path:
    """Path of a store's log: ``features.h5`` -> ``features.extraction.json``."""
    return store.with_name(f"{store.stem if is_one_file(store) else store.name}.extraction.json")
