"""The first videos of MSR-VTT by their numbers, with captions and categories of the whole corpus in one file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stgraph.checking import checked
from stgraph.datasets.corpus.captions import CaptionCorpus, VideoCaptions
from stgraph.datasets.corpus.split_names import SPLITS
from stgraph.errors import DataError, OptionError, shown
from stgraph.parsing import parse_json, read_json
from stgraph.regular_files import check_regular

__all__ = ["MSRVTT1000_NUMBERS", "read_msrvtt1000_captions"]

MSRVTT1000_NUMBERS: Mapping[str, Iterable[int]] = MappingProxyType(
    {"train": range(600), "val": range(600, 700), "test": range(700, 800)}
)
"""Numbers of the videos of each split: all of them are training videos of the official splits."""
MOST_BYTES = 1 << 30


@checked
def read_msrvtt1000_captions(
    path: str | Path, numbers: Mapping[str, Iterable[int]] = MSRVTT1000_NUMBERS
) -> CaptionCorpus:
    """Reads the captions of some videos of MSR-VTT, with splits by their numbers.

    Features of the first thousand videos circulate without the rest, and all of these are official training videos. Scores
    on such splits can't be compared with published ones.

    Args:
        path: ``{"video0": {"category": 9, "captions": ["a car is shown", ...]}, ...}`` as JSON, or gzipped (``.gz``).
        numbers: Numbers of the videos of each split.

    Returns:
        The captions of ``video0``, ``video1`` and so on.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file is damaged or of another layout, or lacks a video.
        OptionError: If a split has another name than train, val and test.
    """
    path = Path(path)
    if strangers := sorted(set(numbers) - set(SPLITS)):
        raise OptionError(f"'numbers' must have splits named {SPLITS}, got {strangers[0]!r}.")
    content = parse_json(_unzipped(path), path) if path.suffix.lower() == ".gz" else read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{shown(path)} must be an object by video id; docs/tracks.md shows the layout.")
    found: dict[str, VideoCaptions] = {}
    for split, chosen in numbers.items():
        for number in chosen:
            video_id = f"video{number}"
            if video_id not in content:
                raise DataError(
                    f"{shown(path)} has no captions of '{video_id}'; get the file of the whole corpus."
                )
            if video_id in found:
                raise OptionError(f"'numbers' must name each video once, got {number} in two splits.")
            found[video_id] = _captions(path, video_id, split, content[video_id])
    return CaptionCorpus(found)


def _captions(path: Path, video_id: str, split: str, entry: Any) -> VideoCaptions:
    captions = entry.get("captions") if isinstance(entry, dict) else None
    if not isinstance(captions, list) or not all(isinstance(text, str) for text in captions):
        raise DataError(
            f"{shown(path)}: '{video_id}' must have a list of 'captions'; docs/tracks.md shows the layout."
        )
    category = entry.get("category")
    return VideoCaptions(split, tuple(captions), None if category is None else str(category))


def _unzipped(path: Path) -> str:
    check_regular(path)
    try:
        with gzip.open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise DataError(
                f"{shown(path)} holds more than {MOST_BYTES >> 20} MiB, which no captions file does; check the path."
            )
        return content.decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(
            f"{shown(path)} is damaged or not gzipped UTF-8 text ({error}); get it again."
        ) from error
