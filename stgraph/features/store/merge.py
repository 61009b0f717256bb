"""Merges stores that were written separately, for example by jobs of a batch scheduler."""

from __future__ import annotations

import glob
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, StoreError
from stgraph.features.store.lock import writer_lock
from stgraph.features.store.reader import FeatureStore
from stgraph.features.store.schema import is_one_file, shard_name
from stgraph.features.store.shard import Shard, common_tail, same_headers
from stgraph.features.store.shard_writer import write_shard
from stgraph.files import sync, write_failure


@checked
def merge(sources: Sequence[str | Path], target: str | Path) -> FeatureStore:
    """Writes the videos of all sources to one store, in order; the sources are not changed.

    The target is one file if it ends in ``.h5`` or ``.hdf5``, otherwise a folder with copies of the sources' shards. Rows
    are copied in slices of limited memory. If merging fails, there is no target.

    Args:
        sources: The stores to merge.
        target: The store to write.

    Returns:
        The new store.

    Raises:
        OptionError: If there are no sources.
        StoreError: If the target exists already, or the disk is full.
        DataError: If extractors, label names, dtypes or widths differ, or an id occurs twice.

    Reference: our own design.
    """
    target = Path(target)
    if not sources:
        raise OptionError("'sources' must name at least one store, got none.")
    shards = [shard for source in sources for shard in FeatureStore(source).shards()]
    _check(shards)
    with writer_lock(target):
        if target.is_file() or (target.is_dir() and any(target.iterdir())):
            raise StoreError(f"{target} already exists; remove it or merge into another path.")
        if is_one_file(target):
            write_shard(target, shards[0].header, shards)
        else:
            _copy_shards(shards, target)
    return FeatureStore(target)


def _check(shards: Sequence[Shard]) -> None:
    same_headers({shard.path: shard.header for shard in shards})
    for column in shards[0].columns:
        common_tail(column, shards)
    origin: dict[str, Path] = {}
    for shard in shards:
        for video_id in shard.ids:
            if video_id in origin:
                raise DataError(
                    f"Video '{video_id}' is in {origin[video_id]} and in {shard.path}; leave one of them out."
                )
            origin[video_id] = shard.path


def _copy_shards(shards: Sequence[Shard], target: Path) -> None:
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        shutil.rmtree(left, ignore_errors=True)  # left by a killed run
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        part.mkdir()
        for number, shard in enumerate(shards):
            sync(Path(shutil.copyfile(shard.path, part / shard_name(number))))
        os.replace(part, target)
        sync(target.parent)
    except OSError as error:
        raise StoreError(write_failure(error, target)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
