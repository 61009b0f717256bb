"""What readers of public caption files share: texts, JSON, and the join of captions with splits."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stgraph.datasets.corpus.captions import CaptionCorpus, VideoCaptions
from stgraph.errors import DataError, MissingDataError
from stgraph.text import normalise

__all__ = ["join_splits", "parse_json", "read_json", "read_text", "texts", "video_id_of"]

_SUFFIX = re.compile(r"\.(avi|mp4|webm|mkv|npy)$", re.IGNORECASE)


def video_id_of(name: str) -> str:
    """An id as lists write it, without the ending of a file.

    >>> video_id_of("mv89psg6zh4_33_46.avi")
    'mv89psg6zh4_33_46'
    """
    return _SUFFIX.sub("", name.strip())


def read_text(path: str | Path) -> str:
    """A UTF-8 text, with or without a byte order mark.

    Raises: MissingDataError: No such file. DataError: Not UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"No file at {path}; give the path of one that is there.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error}); convert it.") from error


def read_json(path: str | Path) -> Any:
    """Content of a JSON file.

    Raises: MissingDataError: No such file. DataError: Not JSON.
    """
    return parse_json(read_text(path), path)


def parse_json(text: str, path: str | Path) -> Any:
    """Content of a JSON text that came from ``path``.

    Raises: DataError: Not JSON, or a key that comes twice in one object.
    """

    def keep_all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{path}: '{twice}' comes twice; join or drop one of the two entries.")
        return found

    try:
        return json.loads(text, object_pairs_hook=keep_all)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not valid JSON: {error}.") from error


def join_splits(
    captions: Mapping[str, Sequence[str]],
    splits: Mapping[str, str],
    *,
    common: bool,
    categories: Mapping[str, str] | None = None,
) -> CaptionCorpus:
    """A corpus of the captions of the videos of all splits.

    Captions without words, which some corpora hold, are left out with a warning that says how many.

    Args:
        captions, splits: By video id.
        common: Keeps the videos that both know, with a warning that names the others; else they are an error.
        categories: By video id, of some or all videos.

    Raises: DataError: Ids that only one of the two knows, unless ``common``; or none that both know.
    """
    unknown, without = sorted(captions.keys() - splits.keys()), sorted(splits.keys() - captions.keys())
    parts = [
        f"{len(ids)} {text}: {', '.join(ids)}"
        for ids, text in ((unknown, "have captions but no split"), (without, "have a split but no captions"))
        if ids
    ]
    if parts and not common:
        raise DataError(
            f"Captions and splits are not of the same videos ({'; '.join(parts)}); mend one of them, or pass "
            "common=True to keep the videos that both know."
        )
    kept = sorted(captions.keys() & splits.keys())
    if not kept:
        raise DataError("Captions and splits have no video in common; are they of the same corpus?")
    if parts:
        warnings.warn(f"Left out of the corpus: {'; '.join(parts)}.", stacklevel=3)
    empty = sum(not normalise(caption) for video_id in kept for caption in captions[video_id])
    if empty:
        warnings.warn(f"Left out {empty} captions without words.", stacklevel=3)
    return CaptionCorpus(
        {
            video_id: VideoCaptions(
                splits[video_id],
                tuple(caption for caption in captions[video_id] if normalise(caption)),
                (categories or {}).get(video_id),
            )
            for video_id in kept
        }
    )


def texts(values: object, path: str | Path, video_id: str) -> list[str]:
    """A list under ``video_id``, checked to be one of texts.

    Raises: DataError: They are not.
    """
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError(f"{path}: '{video_id}' must be a list of texts, got {str(values)[:60]}.")
    return values
