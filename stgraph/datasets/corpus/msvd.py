"""Captions of MSVD, in the layouts in which people have them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from stgraph.datasets.corpus.caption_files import join_splits, parse_json, read_text, texts, video_id_of
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.official_splits import OFFICIAL, msvd_splits
from stgraph.datasets.corpus.split_files import Splits, read_splits
from stgraph.errors import DataError

__all__ = ["read_msvd_captions"]

COLUMNS = ("VideoID", "Start", "End", "Language", "Description")


def read_msvd_captions(path: str | Path, splits: Splits = OFFICIAL, *, common: bool = False) -> CaptionCorpus:
    """Reads the captions of MSVD; what the file holds says which layout it is.

    Layouts: lines ``id caption`` (such as ``AllVideoDescriptions.txt``; lines that begin with # are notes); the
    MSR video description corpus as CSV, of which the English rows are taken and the id is
    ``VideoID_Start_End``; JSON ``{id: [captions]}``.

    Args:
        path: The captions.
        splits: Which videos are in which split, see :func:`stgraph.datasets.corpus.split_files.read_splits`. "official":
            1,200, 100 and 670 videos by the order of their names, see
            :func:`stgraph.datasets.corpus.official_splits.msvd_splits`.
        common: Keeps the videos that both know, with a warning that names the others. The CSV needs it: it
            also holds clips of no split.

    Raises: MissingDataError: No such file. DataError: Another layout, ids that only one of the two knows
        (unless ``common``), an id in two splits; names the file or the ids.
    Reference: Chen and Dolan, ACL 2011; splits of Venugopalan et al., ICCV 2015.
    """
    text = read_text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip().startswith(("{", "[")):
        captions = _of_json(text, path)
    elif "VideoID" in first:
        captions = _of_csv(text, path)
    else:
        captions = _of_lines(text, path)
    if not captions:
        raise DataError(f"{path} holds no captions; it must be lines 'id caption', the corpus' CSV, or JSON.")
    chosen = msvd_splits(captions) if splits == OFFICIAL else read_splits(splits)
    return join_splits(captions, chosen, common=common)


def _of_lines(text: str, path: str | Path) -> dict[str, list[str]]:
    captions: dict[str, list[str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *caption = line.split(maxsplit=1)
        if not caption:
            raise DataError(f"{path}: line {number} must be 'id caption', got {line[:60]!r}.")
        captions.setdefault(video_id_of(name), []).append(caption[0].strip())
    return captions


def _of_csv(text: str, path: str | Path) -> dict[str, list[str]]:
    # newline="" leaves line breaks inside quotes to the csv module.
    rows = csv.DictReader(io.StringIO(text.lstrip(), newline=""))
    captions: dict[str, list[str]] = {}
    try:
        if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise DataError(f"{path} lacks the columns {', '.join(missing)}; is it MSVD's CSV?")
        for row in rows:
            if any(row[name] is None for name in COLUMNS):
                raise DataError(f"{path}: line {rows.line_num} has fewer fields than the header; mend it.")
            if row["Language"].strip().lower() == "english":
                video_id = "_".join(row[name].strip() for name in COLUMNS[:3])
                captions.setdefault(video_id, []).append(row["Description"].strip())
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num} is not CSV: {error}.") from error
    return captions


def _of_json(text: str, path: str | Path) -> dict[str, list[str]]:
    content = parse_json(text, path)
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold {{id: [captions]}}, got a {type(content).__name__}.")
    captions: dict[str, list[str]] = {}
    for name, values in content.items():
        captions.setdefault(video_id_of(name), []).extend(texts(values, path, name))
    return captions
