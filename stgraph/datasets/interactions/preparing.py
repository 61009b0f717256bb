"""Generates the data set once and keeps it in a cache folder: feature store, captions and ground truth."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

import stgraph
from stgraph.checking import checked
from stgraph.datasets.interactions.grammar import reference_sentences
from stgraph.datasets.interactions.pixels import BlobDetector
from stgraph.datasets.interactions.scene import MAX_OBJECTS, NUM_FRAMES, Scene, make_scene, video_id
from stgraph.datasets.interactions.vocabulary import KINDS, VERBS
from stgraph.datasets.interactions.worker_pool import generate_in_processes
from stgraph.errors import OptionError, StgraphError, WriteError
from stgraph.features.store import ExtractorRecord, FeatureStoreWriter
from stgraph.features.store.lock import is_same_file
from stgraph.files import write_failure

__all__ = ["GENERATOR_VERSION", "SIZES", "cache_root", "prepare_interactions", "split_of_videos"]

# Increase it whenever a pixel, a feature or a sentence changes: cache folders are named after it.
GENERATOR_VERSION = 1
SIZES = {
    "tiny": {"train": 60, "val": 10, "test": 10},
    "small": {"train": 2400, "val": 100, "test": 300},
    "full": {"train": 3000, "val": 300, "test": 700},
}
_FILES = ("store.h5", "captions.json", "truth.npz")

Progress = Callable[[int, int], None]


@checked
def prepare_interactions(
    size: str = "small",
    seed: int = 0,
    *,
    cache: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Generates the data set and its features, or finds them in the cache.

    The folder contains ``store.h5`` (features), ``captions.json`` (id -> split, category, captions; the category is the
    verb) and ``truth.npz`` (see ``truth_arrays``; for probes and figures, never for models). It appears under its name
    only when it is complete. The values depend on size and seed alone, not on the number of processes. A process that needs
    a folder that another one is generating waits for it.

    Args:
        size: "tiny" (tests), "small" (the demo) or "full" (ablations).
        seed: Seed of the videos.
        cache: Root of the cache; None means ``cache_root()``.
        workers: Number of processes; None uses all processors available to this process.
        progress: Called as ``progress(done, total)`` after each video.

    Returns:
        The folder.

    Raises:
        OptionError: If ``size`` is unknown, or a number is out of range.
        WriteError: If the cache cannot be written, or the disk is full.
    """
    if size not in SIZES:
        raise OptionError(f"'size' must be one of {', '.join(SIZES)}, got {size!r}.")
    if seed < 0:
        raise OptionError(f"'seed' must be 0 or more, got {seed}.")
    if workers is not None and workers < 1:
        raise OptionError(f"'workers' must be at least 1 or None, got {workers}.")
    folder = (
        (cache_root() if cache is None else Path(cache))
        / "interactions"
        / f"{size}-seed{seed}-v{GENERATOR_VERSION}"
    )
    new, lock = (folder.with_name(f".{folder.name}.{kind}") for kind in ("new", "lock"))
    if not _is_complete(folder) or new.exists() or lock.exists():
        try:
            with _only_process(folder, lock):
                shutil.rmtree(new, ignore_errors=True)  # left by a killed process
                if not _is_complete(folder):
                    _generate(folder, new, size, seed, workers or _processors(), progress)
        except WriteError:
            if not _is_complete(folder):  # otherwise only the leftovers could not be removed
                raise
    return folder


def split_of_videos(size: str, seed: int) -> list[str]:
    """Split of each video by index: the exact number per split, in random order given by the seed."""
    splits = [split for split, count in SIZES[size].items() for _ in range(count)]
    order = np.random.default_rng([seed, len(splits)]).permutation(len(splits))
    return [splits[k] for k in order]


def truth_arrays(scenes: list[Scene]) -> dict[str, np.ndarray]:
    """The ground truth of each video.

    Shapes: verb ``[V]`` and kinds ``[V, 5]`` (indices in ``verb_names`` and ``kind_names``, -1 for no object); centre
        ``[V, 5, F, 2]`` and radius ``[V, 5, F]`` in pixels (NaN for no object, radius 0 for a hidden one). The actor comes
        first, then the patient.
    """
    kinds = np.full((len(scenes), MAX_OBJECTS), -1)
    centre = np.full((len(scenes), MAX_OBJECTS, NUM_FRAMES, 2), np.nan, dtype=np.float32)
    radius = np.full((len(scenes), MAX_OBJECTS, NUM_FRAMES), np.nan, dtype=np.float32)
    for row, scene in enumerate(scenes):
        count = len(scene.kinds)
        kinds[row, :count], centre[row, :count], radius[row, :count] = scene.kinds, scene.centre, scene.radius
    return {
        "verb": np.array([scene.verb for scene in scenes]),
        "kinds": kinds,
        "centre": centre,
        "radius": radius,
        "verb_names": np.array([verb.name for verb in VERBS]),
        "kind_names": np.array([kind.noun for kind in KINDS]),
    }


def extractor_records() -> dict[str, ExtractorRecord]:
    """Record of the extractor of each stream."""
    versions = {"stgraph": stgraph.__version__}
    weights = f"none, version {GENERATOR_VERSION}"  # models raise an error for features of another version
    names = {"appearance": "frames", "motion": "clips", "object": "blobs"}
    return {
        stream: ExtractorRecord(f"stgraph.interactions.{name}", weights, versions)
        for stream, name in names.items()
    }


def _write(folder: Path, size: str, seed: int, workers: int, progress: Progress | None) -> None:
    splits = split_of_videos(size, seed)
    scenes = [make_scene(seed, index) for index in range(len(splits))]
    captions = {
        video_id(seed, index): {
            "split": split,
            "category": VERBS[scene.verb].name,
            "captions": reference_sentences(scene, seed, index),
        }
        for index, (split, scene) in enumerate(zip(splits, scenes, strict=True))
    }
    (folder / "captions.json").write_text(json.dumps(captions, indent=1), encoding="utf-8")
    ids = np.array(list(captions))
    truth: dict[str, Any] = {"id": ids, **truth_arrays(scenes)}
    np.savez_compressed(folder / "truth.npz", **truth)
    records, names = extractor_records(), BlobDetector.label_names
    with FeatureStoreWriter(folder / "store.h5", extractors=records, label_names=names) as writer:
        for done, features in enumerate(generate_in_processes(seed, len(splits), workers), start=1):
            writer.add(features)
            if progress is not None:
                progress(done, len(splits))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on every system; respects limits of containers and schedulers
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_root() -> Path:
    """Root of stgraph's cache: ``$STGRAPH_CACHE``, else ``$XDG_CACHE_HOME/stgraph``, else ``~/.cache/stgraph``."""
    if own := os.environ.get("STGRAPH_CACHE"):
        return Path(own)
    common = os.environ.get("XDG_CACHE_HOME")
    return (Path(common) if common else Path.home() / ".cache") / "stgraph"


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _FILES)


def _generate(folder: Path, new: Path, size: str, seed: int, workers: int, progress: Progress | None) -> None:
    """Writes ``new`` and renames it to ``folder``; the caller is the only process that does."""
    try:
        new.mkdir()
        _write(new, size, seed, workers, progress)
        if not _is_complete(folder):  # otherwise a machine was faster that shares the cache but not its locks
            shutil.rmtree(folder, ignore_errors=True)  # some of its files were removed
            new.rename(folder)
    except StgraphError:
        raise
    except OSError as error:
        raise WriteError(write_failure(error, folder)) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _only_process(folder: Path, lock: Path) -> Iterator[None]:
    """Waits until no other process generates ``folder``. The system ends the lock with the process, however that ends."""
    import fcntl  # POSIX only, like writing stores

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with lock.open("a") as file:
                with suppress(OSError):  # a file system without locks: each process generates its own
                    fcntl.flock(file, fcntl.LOCK_EX)
                if not is_same_file(file.fileno(), lock):
                    continue  # its last holder has removed it
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)
                return
    except StgraphError:
        raise
    except OSError as error:
        raise WriteError(write_failure(error, folder)) from error
