"""Two names of the same videos, such as ``-4wsuPCjDBc_5_15 vid1``, and captions under the other one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from stgraph.datasets.corpus.caption_files import read_text, video_id_of
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.errors import DataError

__all__ = ["read_names", "rename_videos"]


def read_names(path: str | Path) -> list[tuple[str, str]]:
    """Pairs of names from a text of one pair a line, apart by a space, a tab or a comma (``youtube_mapping.txt``).

    Raises: MissingDataError: No such file. DataError: A line without two names, or a name that comes twice.
    """
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        names = [video_id_of(name) for name in line.replace(",", " ").split()]
        if len(names) == 2:
            pairs.append((names[0], names[1]))
        elif names:
            raise DataError(f"{path}: line {number} must hold two names of one video, got {line[:60]!r}.")
    known = [name for pair in pairs for name in set(pair)]
    if len(set(known)) < len(known):
        name = next(name for name in known if known.count(name) > 1)
        raise DataError(f"{path}: '{name}' comes twice; a name must stand for one video.")
    return pairs


def rename_videos(
    corpus: CaptionCorpus, pairs: Collection[tuple[str, str]], wanted: Collection[str]
) -> CaptionCorpus:
    """The corpus with its videos under those of their two names that are among the ``wanted`` ones.

    Raises: DataError: A video of the corpus that no pair names.

    >>> from stgraph.datasets import VideoCaptions
    >>> corpus = CaptionCorpus({"-4wsuPCjDBc_5_15": VideoCaptions("train", ("a squirrel eats",))})
    >>> rename_videos(corpus, [("-4wsuPCjDBc_5_15", "vid1")], ["vid1", "vid2"]).ids()
    ['vid1']
    """
    wanted = set(wanted)
    second = sum(pair[1] in wanted for pair in pairs) >= sum(pair[0] in wanted for pair in pairs)
    target = {name: pair[second] for pair in pairs for name in pair}
    if unknown := [video_id for video_id in corpus.ids() if video_id not in target]:
        raise DataError(f"No other name is given for {', '.join(unknown)}; add them to the list of names.")
    return CaptionCorpus({target[video_id]: corpus[video_id] for video_id in corpus.ids()})
