"""Resumable extraction into a store: videos already stored are skipped, failures are reported at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, StgraphError, StoreError
from stgraph.extraction.extractor_calls import Failure, error_message
from stgraph.extraction.plan import PlannedExtractors
from stgraph.extraction.sources import VideoSource
from stgraph.features.store import FeatureStore, FeatureStoreWriter, merge
from stgraph.features.store.lock import writer_lock
from stgraph.features.store.provenance import Header
from stgraph.features.store.schema import is_one_file, shard_number
from stgraph.features.store.shard import Shard
from stgraph.features.video_features import VideoFeatures
from stgraph.files import sync, write_failure

__all__ = ["Engine", "Outcome", "extract_to_store"]

Engine = Callable[[Sequence[VideoSource]], Iterator[VideoFeatures | Failure]]
"""Yields the features or the failure of each video, in order."""


@checked
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


@checked
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
    that a killed run loses at most one shard. The store is locked from the start to the end of the join, and a run that
    follows a killed one continues from any step.

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
    path, header = Path(store), Header(planned.records, planned.label_names, dtype)
    job = _Job(sources, header, engine, videos_per_shard, progress)
    if not is_one_file(path):
        return job.run(path, set())  # the writer of the folder holds its lock
    with writer_lock(path):
        return _extract_to_file(job, path)


@dataclass
class _Job:
    """What to extract, and how."""

    sources: Sequence[VideoSource]
    header: Header
    engine: Engine
    videos_per_shard: int
    progress: Callable[[Outcome], None] | None

    def run(self, shards: Path, finished: set[str]) -> Outcome:
        """Extracts the videos that are neither ``finished`` nor in the folder of shards."""
        outcome = Outcome()
        with FeatureStoreWriter(
            shards,
            extractors=self.header.extractors,
            label_names=self.header.label_names,
            dtype=self.header.dtype,
            videos_per_shard=self.videos_per_shard,
            append=True,
        ) as writer:
            finished = finished | writer.done_ids
            todo = [source for source in self.sources if source.id not in finished]
            outcome.skipped = len(self.sources) - len(todo)
            if self.progress:
                self.progress(outcome)
            for source, result in zip(todo, self.engine(todo), strict=True):
                if isinstance(result, Failure):
                    outcome.failures.append(result)
                else:
                    try:
                        writer.add(result)
                        outcome.added += 1
                    except DataError as error:  # of this video alone, such as a value that float16 can't hold
                        outcome.failures.append(Failure(source, error_message(error)))
                if self.progress:
                    self.progress(outcome)
            if outcome.failures and not finished and not outcome.added:
                first = outcome.failures[0]
                raise MissingDataError(
                    f"None of the {len(self.sources)} videos could be extracted; the first: {first.reason}"
                )
        return outcome


def _extract_to_file(job: _Job, path: Path) -> Outcome:
    """Extracts into shards and joins them; the caller holds the lock of ``path`` from start to end."""
    parts = path.with_name(f".{path.name}.parts")
    for place in (path, parts):
        if place.is_symlink():
            raise StoreError(
                f"{place} is a symbolic link and is not replaced; remove it or name the file itself."
            )
    finished: set[str] = set()
    if path.exists():
        earlier = FeatureStore(path)
        finished = set(earlier.ids)
        # Raises for other extractors now instead of after the last video.
        earlier.header.check_same(job.header, f"The store at {path}")
    try:
        _remove_joined(parts, finished)
        if path.exists() and not parts.exists() and finished.issuperset(source.id for source in job.sources):
            return Outcome(skipped=len(job.sources))
        outcome = job.run(parts, finished)
        _join(parts, path)
    except StgraphError:
        raise
    except OSError as error:
        raise StoreError(write_failure(error, path)) from error
    return outcome


def _remove_joined(parts: Path, finished: set[str]) -> None:
    """Removes shards that an earlier run joined into the file, but was killed before it had removed all of them."""
    if not parts.is_dir():
        return
    for file in parts.iterdir():
        if shard_number(file) >= 0 and finished and finished.issuperset(Shard(file).ids):
            file.unlink()
    if not any(parts.iterdir()):
        parts.rmdir()


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
        sync(path.parent)  # before the shards are removed
    shutil.rmtree(parts)
