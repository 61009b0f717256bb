"""Reads captions of your own videos from a table or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stgraph.checking import checked
from stgraph.datasets.corpus.caption_layouts import COLUMNS, CaptionEntry, parse_captions
from stgraph.datasets.corpus.split_names import split_name
from stgraph.errors import DataError, listed, shown
from stgraph.parsing import is_json, parse_table, read_text
from stgraph.video.ids import check_id, video_id_of

__all__ = ["OwnCaptions", "read_own_captions"]


@checked
@dataclass
class OwnCaptions:
    """Captions by video id, splits for all videos or none, and categories for some."""

    captions: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)


@checked
def read_own_captions(path: str | Path) -> OwnCaptions:
    """Reads captions of your own videos; the layout is detected from the content of the file.

    Layouts: a table with a header and one caption per row, separated by commas, semicolons or tabs, with the columns
    ``id`` (or ``video_id``, ``video``, ``filename``, ...), ``caption`` (or ``sentence``, ``description``, ``text``) and
    optionally ``split`` and ``category``; JSON in one of
    ``stgraph.datasets.corpus.caption_layouts.LAYOUTS``; or JSON lines, one entry per line. Ids may be names of video
    files, such as ``IMG_1.mov``.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file has another layout or no captions, a video has two splits, or only some videos have one.
        OptionError: If a split is not train, val or test.
    """
    text = read_text(path)
    found = OwnCaptions()
    for entry in parse_captions(text, path) if is_json(text) else _table_entries(text, path):
        if entry.captions is not None:
            found.captions.setdefault(entry.video_id, []).extend(entry.captions)
        if entry.split is not None:
            _set(found.splits, entry.video_id, entry.split, path)
        if entry.category is not None:
            _set(found.categories, entry.video_id, entry.category, path)
    if not found.captions:
        raise DataError(
            f"{path} contains no captions; it must be a table with the columns id and caption, or JSON."
        )
    if found.splits and (without := sorted(found.captions.keys() - found.splits.keys())):
        raise DataError(
            f"{path} contains splits, but none for {listed(without)}; give one for every video, or for none."
        )
    return found


def _table_entries(text: str, path: str | Path) -> Iterator[CaptionEntry]:
    table = parse_table(text, path)
    if not table.header:
        return
    places = table.columns(COLUMNS, ("id", "caption"))
    for row in table.rows:
        values = {kind: row.values[place] for kind, place in places.items()}
        where = f"{shown(path)}, line {row.line}"
        split = values.get("split")
        yield CaptionEntry(
            check_id(video_id_of(values["id"]), where),
            (values["caption"],),
            split_name(split) if split else None,
            values.get("category") or None,
        )


def _set(known: dict[str, str], video_id: str, value: str, path: str | Path) -> None:
    if known.setdefault(video_id, value) != value:
        raise DataError(
            f"{path}: '{video_id}' is {known[video_id]!r} in one row and {value!r} in another; correct one."
        )
