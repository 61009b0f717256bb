"""What an extraction noted beside its store: what failed, and what each extractor cost."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stgraph.errors import DataError

__all__ = ["ExtractionLog"]


@dataclass(frozen=True)
class ExtractionLog:
    """Facts about an extraction that are no facts about the features.

    Args:
        failed: Reason of each video that could not be extracted, by its file.
        seconds_per_video: What each extractor's model took for one video, by extractor.
        device: Where.
    """

    failed: Mapping[str, str] = field(default_factory=dict)
    seconds_per_video: Mapping[str, float] = field(default_factory=dict)
    device: str = "cpu"

    def save(self, store: Path) -> Path:
        """Writes the log of a store beside it; what an earlier run took stays where this one extracted nothing."""
        path = log_path(store)
        earlier = self.load(store).seconds_per_video if not self.seconds_per_video else {}
        content = {**asdict(self), "seconds_per_video": {**earlier, **self.seconds_per_video}}
        beside = path.with_name(f".{path.name}.part")
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(beside, path)
        return path

    @classmethod
    def load(cls, store: Path) -> ExtractionLog:
        """The log of a store; an empty one where there is none.

        Raises: DataError: A file that is no such log.
        """
        path = log_path(store)
        if not path.is_file():
            return cls()
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise DataError(f"{path} is no log of an extraction ({error}); remove it.") from error


def log_path(store: Path) -> Path:
    """Where the log of a store lies: ``features.h5`` -> ``features.extraction.json``."""
    return store.with_name(
        f"{store.stem if store.suffix in ('.h5', '.hdf5') else store.name}.extraction.json"
    )
