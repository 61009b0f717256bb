"""Reads the captions of MSR-VTT in its common file layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stgraph.checking import checked
from stgraph.datasets.corpus.caption_files import join_splits
from stgraph.datasets.corpus.caption_layouts import parse_captions
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.official_splits import OFFICIAL, msrvtt_splits
from stgraph.datasets.corpus.split_files import Splits, read_splits
from stgraph.datasets.corpus.split_names import split_name
from stgraph.errors import DataError, listed
from stgraph.parsing import read_text

__all__ = ["read_msrvtt_captions"]


@checked
def read_msrvtt_captions(
    paths: str | Path | Sequence[str | Path] | Mapping[str, str | Path],
    splits: Splits | None = None,
    *,
    common: bool = False,
) -> CaptionCorpus:
    """Reads the captions of MSR-VTT; the layout is detected from the content of each file.

    Layouts: ``videodatainfo`` JSON, whose ``videos`` have a split and often a category (its number is kept as a string)
    and whose ``sentences`` have a ``video_id`` and a ``caption``; or JSON ``{video: {caption id: caption}}`` or
    ``{video: [captions]}``, which contain no splits; or any other of
    ``stgraph.datasets.corpus.caption_layouts.LAYOUTS``.

    Args:
        paths: One or several files, or one file per split, as in ``{"val": "val.json", "test": "test.json"}``.
        splits: Splits that replace those of the files, see
            ``stgraph.datasets.corpus.split_files.read_splits``; required if neither the files nor ``paths`` give
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
        entries = parse_captions(read_text(path), path)
        found: dict[str, list[str]] = {}
        for entry in entries:
            if entry.captions is not None:
                found.setdefault(entry.video_id, []).extend(entry.captions)
        if not found:
            raise DataError(f"{path} contains no captions; check the path.")
        found_splits = {entry.video_id: entry.split for entry in entries if entry.split}
        kinds = {entry.video_id: entry.category for entry in entries if entry.category}
        if not found_splits and not split and splits is None:
            raise DataError(
                f"{path} contains no splits; pass {{'val': path}} with the split of each file, or 'splits' "
                "(such as 'official'); for a command, data.dataset.captions.val=FILE or data.dataset.splits=official."
            )
        wrong = sorted(name for name, other in found_splits.items() if split not in ("", other))
        if wrong and splits is None:
            raise DataError(
                f"{path} was given as '{split}' but has '{found_splits[wrong[0]]}' for {listed(wrong)}; pass it "
                "without a split, or pass 'splits' (for a command, data.dataset.splits=FILE)."
            )
        if twice := sorted(captions.keys() & found.keys()):
            raise DataError(
                f"{path} has captions of {listed(twice)}, like an earlier file; give each video once."
            )
        captions |= found
        own_splits |= found_splits or dict.fromkeys(found, split)
        categories |= kinds
    chosen = own_splits
    if splits is not None:
        chosen = msrvtt_splits(captions) if splits == OFFICIAL else read_splits(splits)
    return join_splits(captions, chosen, common=common, categories=categories)
