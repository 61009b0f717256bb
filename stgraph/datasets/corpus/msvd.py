"""Reads the captions of MSVD in its common file layouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stgraph.checking import checked
from stgraph.datasets.corpus.caption_files import join_splits
from stgraph.datasets.corpus.caption_layouts import parse_captions
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.official_splits import OFFICIAL, msvd_splits
from stgraph.datasets.corpus.split_files import Splits, read_splits
from stgraph.errors import DataError, shown
from stgraph.parsing import is_json, lines_of, parse_table, read_text
from stgraph.video.ids import check_id, video_id_of

__all__ = ["read_msvd_captions"]

COLUMNS = ("VideoID", "Start", "End", "Language", "Description")


@checked
def read_msvd_captions(path: str | Path, splits: Splits = OFFICIAL, *, common: bool = False) -> CaptionCorpus:
    """Reads the captions of MSVD; the layout is detected from the content of the file.

    Layouts: lines ``id caption`` (such as ``AllVideoDescriptions.txt``; lines that begin with # are comments); the MSR
    video description corpus as CSV, whose English rows are used and whose ids are ``VideoID_Start_End``; or JSON
    ``{id: [captions]}`` or any other of ``stgraph.datasets.corpus.caption_layouts.LAYOUTS``.

    Args:
        path: The file of captions.
        splits: Splits of the videos, see ``stgraph.datasets.corpus.split_files.read_splits``. "official" means 1,200,
            100 and 670 videos in the order of their names, see
            ``stgraph.datasets.corpus.official_splits.msvd_splits``.
        common: Whether to keep only videos that have both captions and a split, with a warning that names the others. The
            CSV requires it, as it contains clips that belong to no split.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file has another layout, an id is in two splits, or videos have only captions or only a split
            (unless ``common``).
        OptionError: If a split is not train, val or test.

    Reference: Chen and Dolan, ACL 2011; splits of Venugopalan et al., ICCV 2015.
    """
    text = read_text(path)
    first = next((line for line in lines_of(text) if line.strip()), "")
    read = _from_json if is_json(text) else _from_csv if "VideoID" in first else _from_lines
    captions: dict[str, list[str]] = {}
    for video_id, caption in read(text, path):
        captions.setdefault(video_id, []).append(caption)
    if not captions:
        raise DataError(
            f"{path} contains no captions; it must be lines 'id caption', the corpus' CSV, or JSON."
        )
    chosen = msvd_splits(captions) if splits == OFFICIAL else read_splits(splits)
    return join_splits(captions, chosen, common=common)


def _from_lines(text: str, path: str | Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines_of(text), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *caption = line.split(maxsplit=1)
        if not caption:
            raise DataError(f"{path}: line {number} must be 'id caption', got '{shown(line, 60)}'.")
        yield check_id(video_id_of(name), f"{shown(path)}, line {number}"), caption[0].strip()


def _from_csv(text: str, path: str | Path) -> Iterator[tuple[str, str]]:
    table = parse_table(text, path)
    if missing := [name for name in COLUMNS if name not in table.header]:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}; is it MSVD's CSV?")
    places = {name: table.header.index(name) for name in COLUMNS}
    for row in table.rows:
        values = {name: row.values[place] for name, place in places.items()}
        if values["Language"].lower() == "english":
            video_id = "_".join(values[name] for name in COLUMNS[:3])
            yield check_id(video_id, f"{shown(path)}, line {row.line}"), values["Description"]


def _from_json(text: str, path: str | Path) -> Iterator[tuple[str, str]]:
    for entry in parse_captions(text, path):
        yield from ((entry.video_id, caption) for caption in entry.captions or ())
