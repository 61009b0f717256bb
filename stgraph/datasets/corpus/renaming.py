"""Renames the videos of a corpus that has two names for each, such as ``-4wsuPCjDBc_5_15`` and ``vid1``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.errors import DataError, listed, shown
from stgraph.parsing import is_json, lines_of, read_text
from stgraph.video.ids import check_id, video_id_of

__all__ = ["read_names", "rename_videos"]


def read_names(path: str | Path) -> list[tuple[str, str]]:
    """Reads one pair of names per line, separated by a space, a tab or a comma (``youtube_mapping.txt``).

    Raises:
        MissingDataError: If there is no such file.
        DataError: If a line doesn't contain two names, a name appears twice, or the file is JSON.
    """
    text = read_text(path)
    if is_json(text):
        raise DataError(
            f"{shown(path)} begins like JSON, with '{text.lstrip()[0]}'; write one pair of names per line, 'name1 name2'."
        )
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(lines_of(text), start=1):
        names = [video_id_of(name) for name in line.replace(",", " ").split()]
        if len(names) == 2:
            pairs.append((names[0], names[1]))
        elif names:
            raise DataError(
                f"{path}: line {number} must contain two names of one video, got '{shown(line, 60)}'."
            )
    for name in (name for pair in pairs for name in pair):
        check_id(name, shown(path))
    known = Counter(name for pair in pairs for name in set(pair))
    if repeated := next((name for name, times in known.items() if times > 1), None):
        raise DataError(f"{path}: '{repeated}' appears twice; a name must belong to one video.")
    return pairs


def rename_videos(
    corpus: CaptionCorpus, pairs: Collection[tuple[str, str]], wanted: Collection[str]
) -> CaptionCorpus:
    """Renames the videos of a corpus to the names that are among ``wanted``.

    Args:
        corpus: The corpus.
        pairs: The two names of each video.
        wanted: Names that the result should use, such as the ids of a feature store.

    Raises:
        DataError: If a video of the corpus is in no pair.

    >>> from stgraph.datasets import VideoCaptions
    >>> corpus = CaptionCorpus({"-4wsuPCjDBc_5_15": VideoCaptions("train", ("a squirrel eats",))})
    >>> rename_videos(corpus, [("-4wsuPCjDBc_5_15", "vid1")], ["vid1", "vid2"]).ids()
    ['vid1']
    """
    wanted = set(wanted)
    second = sum(pair[1] in wanted for pair in pairs) >= sum(pair[0] in wanted for pair in pairs)
    target = {name: pair[second] for pair in pairs for name in pair}
    if unknown := [video_id for video_id in corpus.ids() if video_id not in target]:
        raise DataError(f"No other name is given for {listed(unknown)}; add them to the list of names.")
    return CaptionCorpus({target[video_id]: corpus[video_id] for video_id in corpus.ids()})
