"""Resumable extraction into a store: videos already stored are skipped, failures are reported at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from stgraph.errors import DataError, MissingDataError
from stgraph.extraction.extractor_calls import Failure, error_message
from stgraph.extraction.plan import PlannedExtractors
from stgraph.extraction.sources import VideoSource
from stgraph.features.store import FeatureStore, FeatureStoreWriter, merge
from stgraph.features.store.schema import is_one_file, shard_number
from stgraph.features.video_features import VideoFeatures

__all__ = ["Engine", "Outcome", "extract_to_store"]

Engine = Callable[[Sequence[VideoSource]], Iterator[VideoFeatures | Failure]]
"""Yields the features or the failure of each video, in order."""


@dataclass
class Outcome:
    """Result of an extraction.

    Args:
        added: Number of videos extracted.
        skipped: Number of videos that were already in the store.
        failures: Videos that could not be extracted.
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
    progress: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Extracts the videos that the store doesn't contain yet.

    A one-file store is first written as shards in a hidden folder next to it and joined into one file at the end, so
    that a killed run loses at most one shard.

    Args:
        sources: The videos.
        planned: The extractors; their records are kept in the store.
        store: One file if the path ends in ``.h5`` or ``.hdf5``, otherwise a folder of shards.
        engine: Extracts the videos that are still missing.
        dtype: Type of the stored features.
        videos_per_shard: Number of videos per shard.
        progress: Called after each video.

    Returns:
        The numbers of videos added and skipped, and the failures.

    Raises:
        DataError: If the store exists and holds features of other extractors.
        StoreError: If another process is writing to the store.
        MissingDataError: If no video could be extracted and the store is empty.
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
    if finished:  # raises for other extractors now instead of after the last video
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
        if progress:
            progress(outcome)
        for source, result in zip(todo, engine(todo), strict=True):
            if isinstance(result, Failure):
                outcome.failures.append(result)
            else:
                try:
                    writer.add(result)
                    outcome.added += 1
                except DataError as error:  # of this video alone, such as a value that float16 can't hold
                    outcome.failures.append(Failure(source, error_message(error)))
            if progress:
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
    """Removes the folder at the end if it is empty, as a store without shards is not valid."""
    try:
        yield
    finally:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _parts_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.parts")


def _join(parts: Path, path: Path) -> None:
    """Joins the shards into one file, after the videos that the file already holds."""
    if not parts.is_dir():  # no video was added
        return
    if any(shard_number(file) >= 0 for file in parts.iterdir()):
        earlier = [path] if path.exists() else []
        joined = path.with_name(f".{path.stem}.new{path.suffix}")
        joined.unlink(missing_ok=True)  # left by a killed run
        merge([*earlier, parts], joined)
        os.replace(joined, path)
    shutil.rmtree(parts)
