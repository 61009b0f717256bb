"""The JSON layouts of captions that are read, in one table, and their detection by structure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stgraph.datasets.corpus.split_names import split_name
from stgraph.errors import DataError, shown
from stgraph.parsing import is_json_lines, parse_json, parse_json_lines, structure_of
from stgraph.video.ids import check_id, video_id_of

__all__ = [
    "COLUMNS",
    "LAYOUTS",
    "CaptionEntry",
    "CaptionLayout",
    "is_videodatainfo",
    "known_layouts",
    "parse_captions",
    "read_videodatainfo",
]

COLUMNS = {
    "id": (*("video_id", "videoid", "id", "image_id", "video", "filename", "file_name", "file", "name"),),
    "caption": (
        *("caption", "captions", "sentence", "sentences", "description", "descriptions", "text", "encap"),
    ),
    "split": ("split", "set", "subset", "partition"),
    "category": ("category", "class"),
}
"""Names of columns and keys, in lower case, by what they hold; earlier ones take precedence."""


@dataclass(frozen=True)
class CaptionEntry:
    """Captions of one video, from one place of a file.

    Args:
        video_id: Id of the video.
        captions: Its captions, to which other entries may add; None if this place only tells its split or category.
        split: Its split, or None.
        category: Its category, or None.
    """

    video_id: str
    captions: tuple[str, ...] | None
    split: str | None = None
    category: str | None = None


@dataclass(frozen=True)
class CaptionLayout:
    """A JSON layout of captions.

    Args:
        name: Its name in messages and docs.
        example: A small file.
        fits: Whether a parsed file has the layout.
        read: Yields the entries of a parsed file, given its path.
    """

    name: str
    example: str
    fits: Callable[[Any], bool]
    read: Callable[[Any, str], Iterator[CaptionEntry]]


def parse_captions(text: str, path: str | Path) -> list[CaptionEntry]:
    """Parses captions in JSON or JSON lines; the layout is detected from the structure.

    Args:
        text: The text.
        path: The file that it was read from, for error messages.

    Raises:
        DataError: If the text is not valid JSON, its layout is not in :data:`LAYOUTS`, or an entry is invalid; the message
            names the file and entry or line, or the structure that was found and the layouts that are known.
        OptionError: If a split is not train, val or test.
    """
    where = shown(path)
    if is_json_lines(text):
        lines = parse_json_lines(text, path)
        return [_row(value, f"{where}, line {number}") for number, value in lines]
    content = parse_json(text, path)
    for layout in LAYOUTS:
        if layout.fits(content):
            return list(layout.read(content, where))
    if not content:
        return []
    raise DataError(f"{where}: the top level is {structure_of(content)}, which is {known_layouts()}")


def known_layouts() -> str:
    """The end of a message about an unknown layout: names what is read."""
    names = ", ".join(layout.name for layout in LAYOUTS)
    return (
        f"no layout of captions that is known; known are {names}, VATEX, JSON lines and tables (docs/datasets.md shows "
        "each)."
    )


def is_videodatainfo(content: object) -> bool:
    """Whether a parsed file has MSR-VTT's layout."""
    return isinstance(content, dict) and {"videos", "sentences"} <= content.keys()


def read_videodatainfo(content: dict[str, Any], where: str) -> Iterator[CaptionEntry]:
    """Yields the entries of MSR-VTT's layout: splits and categories of videos, and sentences that name their video."""
    known: set[str] = set()
    for video in _entries(content, "videos", ("video_id", "split"), where):
        video_id = _id(video["video_id"], where)
        if video_id in known:
            raise DataError(f"{where} lists '{video_id}' twice in 'videos'; drop one of the two.")
        known.add(video_id)
        yield CaptionEntry(video_id, None, *_split_and_category(video, f"{where}: video '{video_id}'"))
    for sentence in _entries(content, "sentences", ("video_id", "caption"), where):
        yield CaptionEntry(_id(sentence["video_id"], where), (sentence["caption"],))


def _is_coco(content: object) -> bool:
    return (
        isinstance(content, dict)
        and "annotations" in content
        and not {"images", "videos"}.isdisjoint(content)
    )


def _coco(content: dict[str, Any], where: str) -> Iterator[CaptionEntry]:
    """COCO: annotations that name an image (or video) by its number, whose file name gives the id."""
    kind = "images" if "images" in content else "videos"
    names: dict[str, str] = {}
    for number, image in enumerate(_list(content, kind, where)):
        place = f"{where}: entry {number} of '{kind}'"
        key = _value(image, ("id", "image_id", "video_id"), place)
        name = next((image[each] for each in ("file_name", "filename") if image.get(each)), key)
        if str(key) in names:
            raise DataError(f"{place} has the id {shown(key)} of an earlier one; drop one of the two.")
        names[str(key)] = _id(name, place)
        yield CaptionEntry(names[str(key)], None, *_split_and_category(image, place))
    for number, annotation in enumerate(_list(content, "annotations", where)):
        place = f"{where}: entry {number} of 'annotations'"
        key = _value(annotation, ("image_id", "video_id"), place)
        if str(key) not in names:
            raise DataError(
                f"{place} is of {shown(key)}, which is not in '{kind}'; add it there or drop the entry."
            )
        caption = _value(annotation, ("caption", "sentence"), place)
        yield CaptionEntry(names[str(key)], texts(caption, place))


def _is_rows(content: object) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(row, dict) for row in content)


def _rows(content: list[Any], where: str) -> Iterator[CaptionEntry]:
    for number, row in enumerate(content):
        yield _row(row, f"{where}: entry {number}")


def _one_row(content: dict[str, Any], where: str) -> Iterator[CaptionEntry]:
    yield _row(content, where)


def _is_row(value: object) -> bool:
    return isinstance(value, dict) and None not in (_key(value, "id"), _key(value, "caption"))


def _row(row: object, where: str) -> CaptionEntry:
    """An object with an id and captions."""
    if not isinstance(row, dict):
        raise DataError(f"{where} must be an object with an id and a caption, got {structure_of(row)}.")
    key, caption = _key(row, "id"), _key(row, "caption")
    if key is None or caption is None:
        lacking = "id" if key is None else "caption"
        raise DataError(
            f"{where} has no '{lacking}' (or one of {', '.join(COLUMNS[lacking])}), got {structure_of(row, 0)}; add it."
        )
    return CaptionEntry(_id(row[key], where), texts(row[caption], where), *_split_and_category(row, where))


def _by_id(content: dict[str, Any], where: str) -> Iterator[CaptionEntry]:
    """Captions, or an object with captions, by video id. ActivityNet's sentences are taken without their times."""
    segments = 0
    for name, value in content.items():
        video_id, place = _id(name, where), f"{where}: '{shown(name)}'"
        if isinstance(value, dict) and (key := _key(value, "caption")) is not None:
            found = texts(value[key], place)
            segments += len(found) if "timestamps" in value else 0
            yield CaptionEntry(video_id, found, *_split_and_category(value, place))
        elif isinstance(value, dict) and "split" in value:
            raise DataError(f"{place} must have 'captions', a list of strings, got {structure_of(value, 0)}.")
        else:
            yield CaptionEntry(
                video_id, texts(list(value.values()) if isinstance(value, dict) else value, place)
            )
    if segments:
        warnings.warn(
            f"{where}: {segments:,} sentences describe segments of videos; each is taken as a caption of its whole video.",
            stacklevel=2,
        )


def _is_by_id(content: object) -> bool:
    if not isinstance(content, dict) or not content:
        return False
    return all(isinstance(value, str | list) or _is_entry(value) for value in content.values())


def _is_entries_by_id(content: object) -> bool:
    return isinstance(content, dict) and _is_by_id(content) and all(map(_is_entry, content.values()))


def _is_entry(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return (
        _key(value, "caption") is not None
        or "split" in value
        or all(isinstance(each, str) for each in value.values())
    )


def texts(value: object, where: str) -> tuple[str, ...]:
    """Captions in any of their forms: a string, a list of strings, or a list of objects with a caption each.

    Raises:
        DataError: If the value is something else.
    """
    values = [value] if isinstance(value, str) else value
    if isinstance(values, list) and values and all(isinstance(each, dict) for each in values):
        keys = [_key(each, "caption") for each in values]
        values = [each.get(key) if key else None for each, key in zip(values, keys, strict=True)]
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise DataError(
            f"{where} must be a list of strings, the captions of a video, got {structure_of(value)}; otherwise this is "
            f"{known_layouts()}"
        )
    return tuple(values)


def _id(value: object, where: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return check_id(video_id_of(value) if isinstance(value, str) else value, where)


def _key(entry: Mapping[str, Any], kind: str) -> str | None:
    """The key of an entry that holds its id, caption, split or category."""
    names = {str(key).lower().replace(" ", "_"): key for key in entry}
    return next((names[name] for name in COLUMNS[kind] if name in names), None)


def _split_and_category(entry: Mapping[str, Any], where: str) -> tuple[str | None, str | None]:
    split, category = entry.get("split"), entry.get("category")
    if split is not None and not isinstance(split, str):
        raise DataError(f"{where}: 'split' must be a string, such as 'train', got {structure_of(split)}.")
    if isinstance(category, bool) or not isinstance(category, str | int | None):
        raise DataError(f"{where}: 'category' must be a string or an integer, got {structure_of(category)}.")
    return None if split is None else split_name(split), None if category is None else str(category)


def _list(content: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    entries = content.get(name)
    if not isinstance(entries, list):
        raise DataError(f"{where}: '{name}' must be a list of objects, got {structure_of(entries)}.")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise DataError(
                f"{where}: entry {number} of '{name}' must be an object, got {structure_of(entry)}."
            )
    return entries


def _entries(content: dict[str, Any], name: str, keys: tuple[str, ...], where: str) -> list[dict[str, Any]]:
    entries = _list(content, name, where)
    for number, entry in enumerate(entries):
        if not all(isinstance(entry.get(key), str) for key in keys):
            raise DataError(
                f"{where}: entry {number} of '{name}' must have the strings {' and '.join(keys)}, got "
                f"{structure_of(entry, 0)}."
            )
    return entries


def _value(entry: Mapping[str, Any], keys: tuple[str, ...], where: str) -> Any:
    found = next((entry[key] for key in keys if entry.get(key) is not None), None)
    if found is None:
        raise DataError(f"{where} must have '{keys[0]}', got {structure_of(dict(entry), 0)}.")
    return found


LAYOUTS = (
    CaptionLayout(
        "MSR-VTT's videodatainfo",
        '{"videos": [{"video_id": "v1", "split": "train"}], "sentences": [{"video_id": "v1", "caption": "a dog runs"}]}',
        is_videodatainfo,
        read_videodatainfo,
    ),
    CaptionLayout(
        "COCO captions",
        '{"images": [{"id": 7, "file_name": "v1.mp4"}], "annotations": [{"image_id": 7, "caption": "a dog runs"}]}',
        _is_coco,
        _coco,
    ),
    CaptionLayout(
        "a list of entries",
        '[{"video_id": "v1", "caption": "a dog runs"}, {"video_id": "v2", "captions": ["a cat", "the cat"]}]',
        _is_rows,
        _rows,
    ),
    CaptionLayout("one entry", '{"id": "v1", "caption": "a dog runs"}', _is_row, _one_row),
    CaptionLayout(
        "entries by id, as in ActivityNet Captions and captions.json",
        '{"v1": {"duration": 9.5, "timestamps": [[0, 4.5]], "sentences": ["a dog runs"]}}',
        _is_entries_by_id,
        _by_id,
    ),
    CaptionLayout("captions by id", '{"v1": ["a dog runs", "the dog"], "v2": "a cat"}', _is_by_id, _by_id),
)
"""The layouts, in the order in which they are tried. VATEX is a list of entries ``videoID``, ``enCap``."""
