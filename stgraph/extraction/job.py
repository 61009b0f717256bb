"""An extraction that can be stopped: what is in the store is not done again, what fails is told at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from stgraph.errors import MissingDataError
from stgraph.extraction.describing import Failure
from stgraph.extraction.plan import PlannedExtractors
from stgraph.extraction.sources import VideoSource
from stgraph.features.store import FeatureStore, FeatureStoreWriter, merge
from stgraph.features.store.schema import is_one_file, shard_number
from stgraph.features.video_features import VideoFeatures

__all__ = ["Engine", "Outcome", "extract_to_store"]

Engine = Callable[[Sequence[VideoSource]], Iterator[VideoFeatures | Failure]]
"""Gives features or a failure for each video, in their order."""


@dataclass
class Outcome:
    """What an extraction did.

    Args:
        added: Videos that were extracted.
        skipped: Videos that were in the store already.
        failures: Videos that could not be.
    """

    added: int = 0
    skipped: int = 0
    failures: list[Failure] = field(default_factory=list)


def extract_to_store(
    sources: Sequence[VideoSource],
    planned: PlannedExtractors,
    store: str | Path,
    engine: Engine,
    *,
    dtype: str = "float16",
    videos_per_shard: int = 64,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Extracts the videos that the store does not hold yet.

    A store of one file is written as a hidden folder of shards beside it, which becomes the file at the end, so that a
    killed run loses one shard here too.

    Raises: StoreError, DataError: A store that is there and of other extractors, or being written by somebody else.
        MissingDataError: No video at all could be extracted.
    """
    path = Path(store)
    writer_of = partial(
        FeatureStoreWriter,
        extractors=planned.records,
        label_names=planned.label_names,
        dtype=dtype,
        append=True,
    )
    shards = _parts_of(path) if is_one_file(path) else path
    finished = set(FeatureStore(path).ids) if is_one_file(path) and path.exists() else set()
    if finished:  # refuses other extractors now, not when all is done
        with writer_of(path):
            pass
    outcome = Outcome()
    if (
        is_one_file(path)
        and path.exists()
        and not shards.exists()
        and finished.issuperset(source.id for source in sources)
    ):
        outcome.skipped = len(sources)
        return outcome
    with _no_empty_folder(shards), writer_of(shards, videos_per_shard=videos_per_shard) as writer:
        finished |= writer.done_ids
        todo = [source for source in sources if source.id not in finished]
        outcome.skipped = len(sources) - len(todo)
        progress(outcome)
        for result in engine(todo):
            if isinstance(result, Failure):
                outcome.failures.append(result)
            else:
                writer.add(result)
                outcome.added += 1
            progress(outcome)
        if outcome.failures and not finished and not outcome.added:
            first = outcome.failures[0]
            raise MissingDataError(
                f"None of the {len(sources)} videos could be extracted; the first: {first.reason}"
            )
    if is_one_file(path):
        _join(shards, path)
    return outcome


@contextmanager
def _no_empty_folder(folder: Path) -> Iterator[None]:
    """Removes what would be a store without shards."""
    try:
        yield
    finally:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _parts_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.parts")


def _join(parts: Path, path: Path) -> None:
    """Makes the shards one file, behind what is in the file already."""
    if not parts.is_dir():  # nothing new
        return
    if any(shard_number(file) >= 0 for file in parts.iterdir()):
        there = [path] if path.exists() else []
        beside = path.with_name(f".{path.stem}.new{path.suffix}")
        beside.unlink(missing_ok=True)  # of a killed run
        merge([*there, parts], beside)
        os.replace(beside, path)
    shutil.rmtree(parts)
