"""Reads the splits of a data set from files in common layouts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stgraph.datasets.corpus.caption_layouts import COLUMNS, is_videodatainfo, read_videodatainfo
from stgraph.datasets.corpus.split_names import split_name
from stgraph.errors import DataError, MissingDataError, shown
from stgraph.parsing import is_json, lines_of, parse_json, parse_table, read_text, structure_of
from stgraph.video.ids import check_id, video_id_of

__all__ = ["Splits", "read_splits"]

Splits = str | Path | Mapping[str, str | Path | Sequence[str]]


def read_splits(splits: Splits) -> dict[str, str]:
    """Split of each video.

    Args:
        splits: A JSON file ``{split: [ids]}``, ``{id: split}`` or of MSR-VTT's ``videodatainfo``; a table with the columns
            ``id`` and ``split``; a folder with one list per split, whose file names
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
            check_id(video_id, f"Split '{split}'")
            if video_id in found:
                raise DataError(
                    f"Video '{video_id}' is listed in split '{found[video_id]}' and again in '{split}'; each video "
                    "must be listed once."
                )
            found[video_id] = split
    return found


def _read_list(path: str | Path) -> list[str]:
    text = read_text(path)
    if is_json(text):
        content = parse_json(text, path)
        if not isinstance(content, list):
            raise DataError(f"{path} must be a list of ids, got {structure_of(content)}.")
        return _ids(content, str(path))
    ids: list[str] = []
    for number, line in enumerate(lines_of(text), start=1):
        if len(line.split()) > 1:
            raise DataError(f"{path}, line {number} must contain one id, got '{shown(line.strip(), 60)}'.")
        ids += line.split()
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
    text = read_text(path)
    if not is_json(text):
        table = parse_table(text, path)
        places = table.columns(COLUMNS, ("id", "split"))
        return _by_split((row.values[places["id"]], row.values[places["split"]]) for row in table.rows)
    content = parse_json(text, path)
    if isinstance(content, dict) and content:
        if all(isinstance(value, str) for value in content.values()):
            return _by_split(content.items())
        if all(isinstance(value, list) for value in content.values()) and not is_videodatainfo(content):
            return {name: _ids(ids, f"{path}: '{shown(name)}'") for name, ids in content.items()}
        if is_videodatainfo(content):
            entries = read_videodatainfo(content, shown(path))
            return _by_split((entry.video_id, entry.split) for entry in entries if entry.split)
    raise DataError(
        f"{path} must contain {{split: [ids]}} or {{id: split}}, got {structure_of(content)}; for one list per split "
        "pass a mapping from split to file."
    )


def _ids(values: object, where: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError(f"{where} must be a list of strings, the ids of videos, got {structure_of(values)}.")
    return values


def _by_split(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for video_id, name in pairs:
        found.setdefault(split_name(name), []).append(video_id)
    return found
