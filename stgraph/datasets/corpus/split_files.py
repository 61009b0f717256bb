"""Reads the splits of a data set from files in common layouts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stgraph.datasets.corpus.caption_files import texts
from stgraph.datasets.corpus.captions import SPLITS
from stgraph.datasets.corpus.text_files import parse_json, read_json, read_text
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.video.ids import video_id_of

__all__ = ["Splits", "read_splits", "split_name"]

Splits = str | Path | Mapping[str, str | Path | Sequence[str]]

OTHER_NAMES = {"training": "train", "valid": "val", "validate": "val", "validation": "val", "testing": "test"}


def split_name(name: str) -> str:
    """The name of a split in stgraph: "train", "val" or "test".

    Raises:
        OptionError: If ``name`` is not a known name of a split.

    >>> split_name("validate")
    'val'
    """
    found = OTHER_NAMES.get(name.lower(), name.lower())
    if found not in SPLITS:
        raise OptionError(f"A split must be one of {SPLITS} or {sorted(OTHER_NAMES)}, got {name!r}.")
    return found


def read_splits(splits: Splits) -> dict[str, str]:
    """Split of each video.

    Args:
        splits: A JSON file ``{split: [ids]}`` or ``{id: split}``; a folder with one list per split, whose file names
            begin with the split (``train_list.txt``, ``val.json``); or a mapping from split to such a list or to ids. A
            list is a text file with one id per line, or a JSON list. Ids may be names of video files (``v1.avi``).

    Raises:
        MissingDataError: If a file or folder doesn't exist.
        DataError: If an id is listed twice, or a file has another layout.
        OptionError: If a split is not train, val or test.

    >>> read_splits({"train": ["v1", "v2.avi"], "validation": ["v3"]})
    {'v1': 'train', 'v2': 'train', 'v3': 'val'}
    """
    if isinstance(splits, Mapping):
        named = {
            name: _read_list(ids) if isinstance(ids, str | Path) else list(ids)
            for name, ids in splits.items()
        }
    else:
        named = _read_folder(Path(splits)) if Path(splits).is_dir() else _read_split_file(Path(splits))
    found: dict[str, str] = {}
    for name, ids in named.items():
        split = split_name(name)
        for video_id in map(video_id_of, ids):
            if video_id in found:
                raise DataError(
                    f"Video '{video_id}' is listed in split '{found[video_id]}' and again in '{split}'; each video "
                    "must be listed once."
                )
            found[video_id] = split
    return found


def _read_list(path: str | Path) -> list[str]:
    text = read_text(path)
    if text.lstrip().startswith("["):
        return texts(parse_json(text, path), path, "the list")
    ids = [line.strip() for line in text.splitlines() if line.strip()]
    if wrong := next((line for line in ids if len(line.split()) > 1), None):
        raise DataError(f"{path} must contain one id per line, got {wrong[:60]!r}.")
    return ids


def _read_folder(folder: Path) -> dict[str, list[str]]:
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        name = re.match(r"train|val|test", file.name.lower())
        if file.suffix not in (".txt", ".json") or not name:
            continue
        if name[0] in found:
            raise DataError(
                f"{found[name[0]]} and {file} could both list split '{name[0]}'; pass a mapping from split to file."
            )
        found[name[0]] = file
    if not found:
        raise MissingDataError(
            f"No lists of splits in {folder}; name them train*, val* and test*, .txt or .json."
        )
    return {name: _read_list(file) for name, file in found.items()}


def _read_split_file(path: Path) -> dict[str, list[str]]:
    content = read_json(path)
    if isinstance(content, dict) and content:
        if all(isinstance(value, str) for value in content.values()):
            return _by_split(content.items())
        if all(isinstance(value, list) for value in content.values()):
            return {name: texts(ids, path, name) for name, ids in content.items()}
    raise DataError(
        f"{path} must contain {{split: [ids]}} or {{id: split}}, got {str(content)[:60]}; for one list per "
        "split pass a mapping from split to file."
    )


def _by_split(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for video_id, name in pairs:
        found.setdefault(split_name(name), []).append(video_id)
    return found
