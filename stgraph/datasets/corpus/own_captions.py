"""Reads captions of your own videos from a table or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stgraph.datasets.corpus.caption_files import texts
from stgraph.datasets.corpus.split_files import split_name
from stgraph.datasets.corpus.text_files import parse_json, read_text
from stgraph.errors import DataError
from stgraph.video.ids import video_id_of

__all__ = ["OwnCaptions", "read_own_captions"]

COLUMNS = {
    "id": ("id", "video_id", "videoid", "video", "filename", "file", "name"),
    "caption": ("caption", "captions", "sentence", "description", "text"),
    "split": ("split", "set", "subset", "partition"),
    "category": ("category", "class"),
}


@dataclass
class OwnCaptions:
    """Captions by video id, splits for all videos or none, and categories for some."""

    captions: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)


def read_own_captions(path: str | Path) -> OwnCaptions:
    """Reads captions of your own videos; the layout is detected from the content of the file.

    Layouts: a table with a header and one caption per row, separated by commas, semicolons or tabs, with the columns
    ``id`` (or ``video_id``, ``video``, ``filename``, ...), ``caption`` (or ``sentence``, ``description``, ``text``) and
    optionally ``split`` and ``category``; JSON ``{id: [captions]}`` or ``{id: caption}``; or a ``captions.json``, in which
    splits are optional. Ids may be names of video files, such as ``IMG_1.mov``.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file has another layout or no captions, a video has two splits, or only some videos have one.
        OptionError: If a split is not train, val or test.
    """
    text = read_text(path)
    found = _from_json(text, path) if text.lstrip().startswith(("{", "[")) else _from_table(text, path)
    if not found.captions:
        raise DataError(
            f"{path} contains no captions; it must be a table with the columns id and caption, or JSON."
        )
    if found.splits and (without := sorted(found.captions.keys() - found.splits.keys())):
        raise DataError(
            f"{path} contains splits, but none for {', '.join(without)}; give one for every video, or for none."
        )
    return found


def _from_table(text: str, path: str | Path) -> OwnCaptions:
    found = OwnCaptions()
    header = next((line for line in text.splitlines() if line.strip()), "")
    if not header:
        return found
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    filled = (row for row in rows if any(value.strip() for value in row))
    try:
        first = next(filled)
        places = _columns(first, path)
        for row in filled:
            if len(row) <= max(places.values()):
                raise DataError(f"{path}: line {rows.line_num} has fewer fields than the header; correct it.")
            if any(value.strip() for value in row[len(first) :]):
                raise DataError(
                    f"{path}: line {rows.line_num} has more fields than the header; put captions that contain the "
                    "separator in double quotes."
                )
            values = {name: row[place].strip() for name, place in places.items()}
            video_id = video_id_of(values["id"])
            if not video_id:
                raise DataError(f"{path}: line {rows.line_num} has no video id; add it.")
            found.captions.setdefault(video_id, []).append(values["caption"])
            if values.get("split"):
                _set(found.splits, video_id, split_name(values["split"]), path)
            if values.get("category"):
                _set(found.categories, video_id, values["category"], path)
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num} is not valid CSV: {error}.") from error
    return found


def _columns(header: Sequence[str], path: str | Path) -> dict[str, int]:
    """Position of the id, caption, split and category in a row."""
    names = [name.strip().lower().replace(" ", "_") for name in header]
    places: dict[str, int] = {}
    for kind, known in COLUMNS.items():
        fitting = [name for name in known if name in names]
        if fitting:  # earlier names take precedence: "id" before "name"
            places[kind] = names.index(fitting[0])
    if lacking := [kind for kind in ("id", "caption") if kind not in places]:
        raise DataError(
            f"{path} has no column {' and no column '.join(repr(kind) for kind in lacking)} (or one of "
            f"{', '.join(other for kind in lacking for other in COLUMNS[kind][1:])}) in its first line, "
            f"{','.join(header)[:80]!r}; add a header."
        )
    return places


def _set(known: dict[str, str], video_id: str, value: str, path: str | Path) -> None:
    if known.setdefault(video_id, value) != value:
        raise DataError(
            f"{path}: '{video_id}' is {known[video_id]!r} in one row and {value!r} in another; correct one."
        )


def _from_json(text: str, path: str | Path) -> OwnCaptions:
    content = parse_json(text, path)
    if not isinstance(content, dict):
        raise DataError(f"{path} must contain {{id: [captions]}}, got a {type(content).__name__}.")
    found = OwnCaptions()
    for name, entry in content.items():
        video_id, values = video_id_of(name), entry
        if isinstance(entry, dict):
            values = entry.get("captions")
            if entry.get("split") is not None:
                _set(found.splits, video_id, split_name(str(entry["split"])), path)
            if entry.get("category") is not None:
                _set(found.categories, video_id, str(entry["category"]), path)
        captions = texts([values] if isinstance(values, str) else values, path, name)
        found.captions.setdefault(video_id, []).extend(captions)
    return found
