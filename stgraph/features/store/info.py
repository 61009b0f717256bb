"""Summary of a store: sizes, counts and extractors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stgraph.checking import checked
from stgraph.features.store.provenance import ExtractorRecord
from stgraph.features.store.reader import FeatureStore


@checked
@dataclass(frozen=True)
class StoreInfo:
    """Sizes, counts and extractors of a store; ``str()`` formats them as text.

    ``boxes_per_frame`` holds the mean and the largest number of boxes, ``bytes`` the size of all files.
    """

    path: Path
    shards: int
    bytes: int
    videos: int
    frames: int
    clips: int
    objects: int
    frames_without_objects: int
    boxes_per_frame: tuple[float, int]
    widths: dict[str, int]
    dtype: str
    label_names: tuple[str, ...]
    extractors: dict[str, ExtractorRecord]

    def __str__(self) -> str:
        mean, most = self.boxes_per_frame
        lines = [
            f"{self.path}: {self.videos} videos in {self.shards} {'file' if self.shards == 1 else 'files'}, "
            f"{_readable(self.bytes)}, features as {self.dtype}",
            f"  frames   {self.frames}"
            + (f" ({self.frames / self.videos:.1f} per video)" if self.videos else ""),
        ]
        if "motion" in self.extractors:
            lines.append(f"  clips    {self.clips}")
        if "object" in self.extractors:
            lines.append(
                f"  objects  {self.objects} ({mean:.1f} per frame, at most {most}; "
                f"{self.frames_without_objects} frames without objects; {len(self.label_names)} label names)"
            )
        lines.append("  streams")
        for stream, record in sorted(self.extractors.items()):
            versions = ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))
            settings = ", ".join(f"{name}={value}" for name, value in sorted(record.settings.items()))
            parts = [f"weights {record.weights}", versions, settings]
            lines.append(
                f"    {stream} [{self.widths[stream]}]  {record.name}; " + "; ".join(filter(None, parts))
            )
        return "\n".join(lines)


@checked
def info(store: FeatureStore | str | Path) -> StoreInfo:
    """Summarises a store without reading its features.

    Args:
        store: The store or its path.

    Raises:
        MissingDataError: As in :class:`FeatureStore`.
        StoreError: As in :class:`FeatureStore`.
        DataError: As in :class:`FeatureStore`.
    """
    store = store if isinstance(store, FeatureStore) else FeatureStore(store)
    shards, extractors = store.shards(), store.extractors

    def rows(level: str) -> int:
        return sum(part.num_rows(level) for part in shards if level in part.pointers)

    objects = [part.counts("object") for part in shards if "object" in part.pointers]
    boxes = np.concatenate([np.zeros(0, np.int64), *objects])
    return StoreInfo(
        path=store.path,
        shards=len(shards),
        bytes=sum(shard.path.stat().st_size for shard in shards),
        videos=len(store),
        frames=rows("frame"),
        clips=rows("clip"),
        objects=rows("object"),
        frames_without_objects=int((boxes == 0).sum()),
        boxes_per_frame=(float(boxes.mean()), int(boxes.max())) if len(boxes) else (0.0, 0),
        widths=store.widths,
        dtype=store.header.dtype,
        label_names=store.label_names,
        extractors=extractors,
    )


def _readable(size: float) -> str:
    """Formats a size in bytes with a unit.

    >>> _readable(2_500_000)
    '2.5 MB'
    """
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = max(0, min(len(units) - 1, (len(str(int(size))) - 1) // 3))
    return f"{size / 1000**power:.{min(power, 1)}f} {units[power]}"
