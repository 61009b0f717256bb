"""``stgraph store info|validate|merge|import``: inspects, checks, merges and imports feature stores."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.errors import OptionError, StoreError
from stgraph.features import ExtractorRecord, FeatureStoreWriter, VideoFeatures
from stgraph.features.importers import (
    JoinedStreams,
    read_detections_folder,
    read_hdf5_per_video,
    read_keyed_hdf5,
    read_npy_folders,
)
from stgraph.features.store import info, merge, validate
from stgraph.features.store.lock import writer_lock
from stgraph.features.store.schema import is_one_file, shard_number
from stgraph.video.ids import files_by_id, find_files

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """Runs ``stgraph store``; the exit status is 1 if ``validate`` finds problems or ``import`` finds unmatched ids."""
    chosen = parser_of("store").parse_args(arguments)
    if chosen.action == "info":
        say(info(chosen.path))
        return 0
    if chosen.action == "validate":
        problems = validate(chosen.path)
        say("\n".join(map(str, problems)) or f"{chosen.path}: no problems found.")
        return 1 if problems else 0
    if chosen.action == "import":
        return _import(chosen)
    merge(chosen.sources, chosen.target)
    return _written(chosen.target)


def _written(store: str) -> int:
    """Prints a summary of the new store and the next command."""
    say(info(store))
    say(
        f"Next: stgraph train data=folder data.dataset.store={store} data.dataset.captions=CAPTIONS",
        error=True,
    )
    return 0


def _import(chosen: argparse.Namespace) -> int:
    """Imports features into a store; returns 1 if ids don't match and ``--common`` is not given."""
    source = Path(chosen.source)
    names = {
        stream: getattr(chosen, stream) for stream in ("appearance", "motion") if getattr(chosen, stream)
    }
    labels: tuple[str, ...] = ()
    videos: Iterable[VideoFeatures]
    if chosen.layout == "detections":
        if names:
            raise OptionError(
                "'--appearance' and '--motion' don't apply to '--layout detections'; leave them out."
            )
        records = _records({"appearance": None, "object": None}, chosen.extractor)
        whole, mismatches = _detection_ids(source)
        if not _go_on(mismatches, chosen.common):
            return 1
        videos, labels = read_detections_folder(source, whole)
    else:
        if not names:
            raise OptionError("Say where the features are: '--appearance NAME', '--motion NAME', or both.")
        records = _records(
            {stream: _extractor_name(source, name) for stream, name in names.items()},
            chosen.extractor,
        )
        joined = _joined(chosen.layout, source, names, chosen.common)
        if not _go_on(joined.mismatches, chosen.common):
            return 1
        videos = joined
    _write(videos, Path(chosen.store), records, labels, chosen)
    return _written(chosen.store)


def _write(
    videos: Iterable[VideoFeatures],
    store: Path,
    records: dict[str, ExtractorRecord],
    labels: tuple[str, ...],
    chosen: argparse.Namespace,
) -> None:
    """Writes the videos that the store lacks.

    A new folder of shards is written under a hidden name and gets its own at the end, so that a killed import neither
    looks like a whole store nor has to begin again.
    """
    exists = store.is_file() or (store.is_dir() and any(shard_number(file) >= 0 for file in store.iterdir()))
    if exists and not chosen.append:
        with writer_lock(store):  # takes the lock of a killed import over, and removes it
            raise StoreError(
                f"A store already exists at {store}; add --append to import the videos that it lacks, or import into "
                "another path."
            )
    if store.is_dir() and not exists and any(store.iterdir()):
        raise StoreError(f"{store} is a folder of other files; import into another path.")
    place = store if exists or is_one_file(store) else store.with_name(f".{store.name}.importing")
    with FeatureStoreWriter(
        place, extractors=records, label_names=labels, dtype=chosen.dtype, append=True
    ) as writer:
        stored = set(writer.done_ids)
        for video in videos:
            if video.id not in stored:
                writer.add(video)
    if place != store:
        os.replace(place, store)


def _extractor_name(source: Path, name: str) -> str:
    """The name that a stream's folder, file or group suggests: ``resnet`` for the group ``resnet/YouTubeClips``."""
    if name == ".":
        return source.stem
    return name.strip("/").split("/")[0] if source.is_file() else Path(name).stem


def _joined(layout: str, source: Path, names: dict[str, str], common: bool) -> JoinedStreams:
    if layout == "npy":
        return read_npy_folders({stream: source / name for stream, name in names.items()}, common=common)
    if layout == "hdf5-per-video":
        return read_hdf5_per_video(source, names, common=common)
    if source.is_dir():
        places = {stream: (source / name, "") for stream, name in names.items()}
    else:
        places = {stream: (source, "" if name == "." else name) for stream, name in names.items()}
    return read_keyed_hdf5(places, common=common)


def _detection_ids(folder: Path) -> tuple[set[str], dict[str, tuple[str, ...]]]:
    """Returns the ids that have both files, and the missing file of every other id."""
    files = find_files(folder)
    boxes, features = (
        set(files_by_id(folder, [file for file in files if file.suffix.lower() == ending]))
        for ending in (".json", ".npz")
    )
    lacks: dict[str, tuple[str, ...]] = {
        name: ("npz",) if name in boxes else ("json",) for name in sorted(boxes ^ features)
    }
    return boxes & features, lacks


def _go_on(mismatches: dict[str, tuple[str, ...]], common: bool) -> bool:
    for name, lacks in mismatches.items():
        say(f"{name}: no {' or '.join(lacks)}", error=True)
    if mismatches and not common:
        say(
            f"stgraph store: {len(mismatches)} videos are incomplete; nothing was written: add the missing files, or "
            "pass --common to leave these videos out.",
            error=True,
        )
    elif mismatches:
        say(f"stgraph store: left out these {len(mismatches)} videos.", error=True)
    return common or not mismatches


def _records(names: dict[str, str | None], given: list[str]) -> dict[str, ExtractorRecord]:
    """Returns an extractor record for each stream."""
    for text in given:
        stream, sign, name = text.partition("=")
        if stream not in names or not sign or not name:
            raise OptionError(
                f"'--extractor' must be STREAM=NAME with a stream of {', '.join(names)}, got {text!r}."
            )
        names = names | {stream: name}
    if missing := [stream for stream, name in names.items() if name is None]:
        raise OptionError(f"Say what made the features: '--extractor {missing[0]}=NAME'.")
    return {stream: ExtractorRecord(str(name), "unknown", {}) for stream, name in names.items()}
