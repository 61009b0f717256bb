"""Reads the captions of MSVD in its common file layouts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from stgraph.datasets.corpus.caption_files import join_splits, texts
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.official_splits import OFFICIAL, msvd_splits
from stgraph.datasets.corpus.split_files import Splits, read_splits
from stgraph.datasets.corpus.text_files import parse_json, read_text
from stgraph.errors import DataError
from stgraph.video.ids import video_id_of

__all__ = ["read_msvd_captions"]

COLUMNS = ("VideoID", "Start", "End", "Language", "Description")


def read_msvd_captions(path: str | Path, splits: Splits = OFFICIAL, *, common: bool = False) -> CaptionCorpus:
    """Reads the captions of MSVD; the layout is detected from the content of the file.

    Layouts: lines ``id caption`` (such as ``AllVideoDescriptions.txt``; lines that begin with # are comments); the MSR
    video description corpus as CSV, whose English rows are used and whose ids are ``VideoID_Start_End``; or JSON
    ``{id: [captions]}``.

    Args:
        path: The file of captions.
        splits: Splits of the videos, see :func:`stgraph.datasets.corpus.split_files.read_splits`. "official" means 1,200,
            100 and 670 videos in the order of their names, see
            :func:`stgraph.datasets.corpus.official_splits.msvd_splits`.
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
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip().startswith(("{", "[")):
        captions = _from_json(text, path)
    elif "VideoID" in first:
        captions = _from_csv(text, path)
    else:
        captions = _from_lines(text, path)
    if not captions:
        raise DataError(
            f"{path} contains no captions; it must be lines 'id caption', the corpus' CSV, or JSON."
        )
    chosen = msvd_splits(captions) if splits == OFFICIAL else read_splits(splits)
    return join_splits(captions, chosen, common=common)


def _from_lines(text: str, path: str | Path) -> dict[str, list[str]]:
    captions: dict[str, list[str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *caption = line.split(maxsplit=1)
        if not caption:
            raise DataError(f"{path}: line {number} must be 'id caption', got {line[:60]!r}.")
        captions.setdefault(video_id_of(name), []).append(caption[0].strip())
    return captions


def _from_csv(text: str, path: str | Path) -> dict[str, list[str]]:
    # newline="" leaves line breaks inside quotes to the csv module.
    rows = csv.DictReader(io.StringIO(text.lstrip(), newline=""))
    captions: dict[str, list[str]] = {}
    try:
        if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise DataError(f"{path} lacks the columns {', '.join(missing)}; is it MSVD's CSV?")
        for row in rows:
            if any(row[name] is None for name in COLUMNS):
                raise DataError(f"{path}: line {rows.line_num} has fewer fields than the header; correct it.")
            if row["Language"].strip().lower() == "english":
                video_id = "_".join(row[name].strip() for name in COLUMNS[:3])
                captions.setdefault(video_id, []).append(row["Description"].strip())
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num} is not valid CSV: {error}.") from error
    return captions


def _from_json(text: str, path: str | Path) -> dict[str, list[str]]:
    content = parse_json(text, path)
    if not isinstance(content, dict):
        raise DataError(f"{path} must contain {{id: [captions]}}, got a {type(content).__name__}.")
    captions: dict[str, list[str]] = {}
    for name, values in content.items():
        captions.setdefault(video_id_of(name), []).extend(texts(values, path, name))
    return captions
