"""Reads the captions of MSR-VTT in its common file layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stgraph.datasets.corpus.caption_files import join_splits, texts
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.official_splits import OFFICIAL, msrvtt_splits
from stgraph.datasets.corpus.split_files import Splits, read_splits, split_name
from stgraph.datasets.corpus.text_files import read_json
from stgraph.errors import DataError
from stgraph.video.ids import video_id_of

__all__ = ["read_msrvtt_captions"]


def read_msrvtt_captions(
    paths: str | Path | Sequence[str | Path] | Mapping[str, str | Path],
    splits: Splits | None = None,
    *,
    common: bool = False,
) -> CaptionCorpus:
    """Reads the captions of MSR-VTT; the layout is detected from the content of each file.

    Layouts: ``videodatainfo`` JSON, whose ``videos`` have a split and often a category (its number is kept as a string)
    and whose ``sentences`` have a ``video_id`` and a ``caption``; or JSON ``{video: {caption id: caption}}`` or
    ``{video: [captions]}``, which contain no splits.

    Args:
        paths: One or several files, or one file per split, as in ``{"val": "val.json", "test": "test.json"}``.
        splits: Splits that replace those of the files, see
            :func:`stgraph.datasets.corpus.split_files.read_splits`; required if neither the files nor ``paths`` give
            any. "official" follows the numbers of the videos.
        common: Whether to keep only videos that have both captions and a split, with a warning that names the others.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If a file has another layout, a video is in two files, no split is known, or videos have only
            captions or only a split (unless ``common``).
        OptionError: If a split is not train, val or test.

    Reference: Xu et al., CVPR 2016.
    """
    if isinstance(paths, Mapping):
        files = [(split_name(name), path) for name, path in paths.items()]
    else:
        files = [("", path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    captions: dict[str, list[str]] = {}
    own_splits: dict[str, str] = {}
    categories: dict[str, str] = {}
    for split, path in files:
        content = read_json(path)
        if _is_info(content):
            found, found_splits, kinds = _from_info(content, path)
        else:
            found, found_splits, kinds = _from_map(content, path), {}, {}
            if not split and splits is None:
                raise DataError(
                    f"{path} contains no splits; pass {{'val': path}} with the split of each file, or 'splits' "
                    "(such as 'official')."
                )
        wrong = sorted(name for name, other in found_splits.items() if split not in ("", other))
        if wrong and splits is None:
            raise DataError(
                f"{path} was given as '{split}' but has '{found_splits[wrong[0]]}' for {', '.join(wrong)}; pass it "
                "without a split, or pass 'splits'."
            )
        if twice := sorted(captions.keys() & found.keys()):
            raise DataError(
                f"{path} has captions of {', '.join(twice)}, like an earlier file; give each video once."
            )
        captions |= found
        own_splits |= found_splits or dict.fromkeys(found, split)
        categories |= kinds
    chosen = own_splits
    if splits is not None:
        chosen = msrvtt_splits(captions) if splits == OFFICIAL else read_splits(splits)
    return join_splits(captions, chosen, common=common, categories=categories)


def _is_info(content: object) -> bool:
    return isinstance(content, dict) and {"videos", "sentences"} <= content.keys()


def _from_info(
    content: dict[str, Any], path: str | Path
) -> tuple[dict[str, list[str]], dict[str, str], dict[str, str]]:
    """Captions, splits and categories, each by video."""
    captions: dict[str, list[str]] = {}
    splits: dict[str, str] = {}
    categories: dict[str, str] = {}
    for video in _entries(content, "videos", ("video_id", "split"), path):
        if video["video_id"] in splits:
            raise DataError(f"{path} lists '{video['video_id']}' twice in 'videos'; drop one of the two.")
        splits[video["video_id"]] = split_name(video["split"])
        if video.get("category") is not None:
            categories[video["video_id"]] = str(video["category"])
    for sentence in _entries(content, "sentences", ("video_id", "caption"), path):
        captions.setdefault(sentence["video_id"], []).append(sentence["caption"])
    return captions, splits, categories


def _entries(
    content: dict[str, Any], name: str, keys: tuple[str, ...], path: str | Path
) -> list[dict[str, Any]]:
    entries = content[name]
    if not isinstance(entries, list):
        raise DataError(f"{path}: '{name}' must be a list, got a {type(entries).__name__}.")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in keys):
            raise DataError(
                f"{path}: entry {number} of '{name}' must have the strings {' and '.join(keys)}, got "
                f"{str(entry)[:60]}."
            )
    return entries


def _from_map(content: object, path: str | Path) -> dict[str, list[str]]:
    if not isinstance(content, dict) or not content:
        raise DataError(
            f"{path} must contain 'videos' and 'sentences', or {{video: {{caption id: caption}}}}, got "
            f"{str(content)[:60]}."
        )
    return {
        video_id_of(video_id): texts(
            list(value.values()) if isinstance(value, dict) else value, path, video_id
        )
        for video_id, value in content.items()
    }
