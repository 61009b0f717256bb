"""Captions, splits and categories of the videos of a data set."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stgraph.checking import checked
from stgraph.datasets.corpus.split_names import SPLITS
from stgraph.errors import DataError, MissingDataError, OptionError, UnknownVideoError, listed, shown
from stgraph.files import write_text
from stgraph.parsing import read_json, structure_of
from stgraph.video.ids import check_id

__all__ = ["SPLITS", "CaptionCorpus", "VideoCaptions"]


@checked
@dataclass(frozen=True)
class VideoCaptions:
    """The split of a video, its reference captions, and its category if it has one."""

    split: str
    captions: tuple[str, ...]
    category: str | None = None


@checked
class CaptionCorpus:
    """The captions of a data set.

    The file format is ``captions.json``: ``{id: {"split": "train", "category": null, "captions": ["a dog runs",
    ...]}}``; other keys of an entry are ignored.

    Args:
        videos: Captions by video id.

    Raises:
        DataError: If an id is invalid, or a video has no captions or an empty one.
        OptionError: If a split is not train, val or test.

    Reference: our own design.

    >>> corpus = CaptionCorpus({"v1": VideoCaptions("train", ("a dog runs", "a dog is running"))})
    >>> corpus.ids("train"), corpus.references("train")
    (['v1'], {'v1': ['a dog runs', 'a dog is running']})
    """

    def __init__(self, videos: Mapping[str, VideoCaptions]) -> None:
        for video_id, video in videos.items():
            _check(video_id, video)
        self._videos = {video_id: videos[video_id] for video_id in sorted(videos)}

    @classmethod
    def load(cls, path: str | Path) -> CaptionCorpus:
        """Reads a ``captions.json``.

        Raises:
            MissingDataError: If there is no such file.
            DataError: If the file is not a valid ``captions.json``; the message names the video.
            OptionError: If a split is not train, val or test.
        """
        path = Path(path)
        if not os.path.lexists(path):
            raise MissingDataError(
                f"No captions at {path}; write a captions.json of {{id: {{split, captions}}}} there."
            )
        content = read_json(path)
        if not isinstance(content, dict):
            raise DataError(f"{path} must hold an object of video ids, got {structure_of(content)}.")
        try:
            return cls({video_id: _entry(video_id, entry) for video_id, entry in content.items()})
        except (DataError, OptionError) as error:
            raise type(error)(f"{shown(path)}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Writes a ``captions.json`` atomically."""
        content = {
            video_id: {"split": video.split, "category": video.category, "captions": list(video.captions)}
            for video_id, video in self._videos.items()
        }
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False))

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that contain videos, in the order train, val, test."""
        have = {video.split for video in self._videos.values()}
        return tuple(split for split in SPLITS if split in have)

    def ids(self, split: str | None = None) -> list[str]:
        """Sorted ids of the videos of a split; of all videos for None.

        Raises:
            OptionError: If ``split`` is not the name of a split.
        """
        if split is not None and split not in SPLITS:
            raise OptionError(f"'split' must be one of {SPLITS}, got {split!r}.")
        return [video_id for video_id, video in self._videos.items() if split in (None, video.split)]

    def captions(self, video_id: str) -> list[str]:
        """All captions of a video."""
        return list(self[video_id].captions)

    def references(self, split: str) -> dict[str, list[str]]:
        """Captions of the videos of a split by id, in the form that the metrics take."""
        return {video_id: self.captions(video_id) for video_id in self.ids(split)}

    def categories(self, split: str) -> tuple[str, ...]:
        """The sorted distinct categories of a split's videos.

        >>> CaptionCorpus({"v1": VideoCaptions("train", ("a dog runs",), "pets")}).categories("train")
        ('pets',)
        """
        return tuple(sorted({self[video].category or "" for video in self.ids(split)} - {""}))

    def category_numbers(self, categories: Sequence[str]) -> dict[str, int]:
        """Index of each video's category in ``categories``, by id; videos of other categories, or of none, are left out."""
        number = {category: position for position, category in enumerate(categories)}
        found = {video_id: number.get(video.category or "") for video_id, video in self._videos.items()}
        return {video_id: position for video_id, position in found.items() if position is not None}

    def check_against(self, store_ids: Iterable[str], *, allow_uncaptioned: bool = False) -> list[str]:
        """Compares the video ids with those of a feature store.

        Args:
            store_ids: Video ids of the store.
            allow_uncaptioned: Whether the store may contain videos without captions.

        Returns:
            The store's ids that have no captions.

        Raises:
            DataError: If videos have captions but no features, or features but no captions.
        """
        have = list(store_ids)
        without_features = sorted(self._videos.keys() - set(have))
        without_captions = [video_id for video_id in have if video_id not in self._videos]
        wrong = []
        if pair := _same_name(without_features, without_captions):
            wrong.append(
                f"'{pair[0]}' of the captions and '{pair[1]}' of the features may be one video: name both alike"
            )
        if without_features:
            wrong.append(
                f"{listed(without_features)} have captions but no features (extract them, or drop their "
                "captions)"
            )
        if without_captions and not allow_uncaptioned:
            wrong.append(
                f"{listed(without_captions)} have features but no captions (add some, or leave them out)"
            )
        if wrong:
            raise DataError(f"Captions and features are not for the same videos: {'; '.join(wrong)}.")
        return without_captions

    def __getitem__(self, video_id: str) -> VideoCaptions:
        try:
            return self._videos[video_id]
        except KeyError:
            near = difflib.get_close_matches(str(video_id), self._videos, n=1, cutoff=0.0)
            hint = f"; the nearest id is '{near[0]}'" if near else "; there are none"
            raise UnknownVideoError(f"No captions of video '{video_id}'{hint}.") from None

    def __len__(self) -> int:
        return len(self._videos)

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._videos


def _same_name(some: Sequence[str], others: Sequence[str]) -> tuple[str, str] | None:
    """The first two ids of two lists that differ by their folder or by capital letters only."""

    def bare(video_id: str) -> str:
        return video_id.rpartition("/")[2].lower()

    known = {bare(video_id): video_id for video_id in reversed(others)}
    return next(((video_id, known[bare(video_id)]) for video_id in some if bare(video_id) in known), None)


def _check(video_id: str, video: VideoCaptions) -> None:
    check_id(video_id)
    if video.split not in SPLITS:
        raise OptionError(f"Video '{video_id}' has split {video.split!r}; it must be one of {SPLITS}.")
    if not video.captions:
        raise DataError(f"Video '{video_id}' has no captions; give it at least one or leave it out.")
    for number, caption in enumerate(video.captions):
        if not isinstance(caption, str) or not caption.strip():
            raise DataError(
                f"Video '{video_id}': caption {number} must be a string with words, got {caption!r}; drop it."
            )


def _entry(video_id: str, entry: Any) -> VideoCaptions:
    captions = entry.get("captions") if isinstance(entry, dict) else None
    if not isinstance(captions, list) or "split" not in entry:
        raise DataError(
            f"Video '{video_id}' must have a 'split' and a list of 'captions', got {shown(entry, 80)}; correct it."
        )
    category = entry.get("category")
    if category is not None and not isinstance(category, str):
        raise DataError(f"Video '{video_id}': 'category' must be a string or null, got {category!r}.")
    return VideoCaptions(entry["split"], tuple(captions), category)
