"""Statistics of a corpus, and their differences from the published ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stgraph.checking import checked
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.errors import OptionError
from stgraph.text import normalise

__all__ = ["PUBLISHED", "CorpusSummary", "SplitSummary", "corpus_summary", "published_differences"]

# Videos and captions by split. MSVD: Venugopalan et al., ICCV 2015; MSR-VTT: Xu et al., CVPR 2016.
PUBLISHED = {
    "msvd": {"train": (1200, 48774), "val": (100, 4290), "test": (670, 27763)},
    "msrvtt": {"train": (6513, 130260), "val": (497, 9940), "test": (2990, 59800)},
}


@checked
@dataclass(frozen=True)
class SplitSummary:
    """Number of videos, captions and distinct words, and length of the longest caption in words."""

    videos: int
    captions: int
    words: int
    longest: int


@checked
@dataclass(frozen=True)
class CorpusSummary:
    """Statistics of a corpus; ``str()`` gives a table.

    Args:
        splits: Statistics of each split that contains videos.
        total: Statistics of all splits together; words that several splits share count once.
    """

    splits: dict[str, SplitSummary]
    total: SplitSummary

    def differences(self, name: str) -> list[str]:
        """Describes each number that differs from the published one; empty if none does.

        Args:
            name: "msvd" or "msrvtt".

        Raises:
            OptionError: If the name is another one.
        """
        return _differences({split: (row.videos, row.captions) for split, row in self.splits.items()}, name)

    def __str__(self) -> str:
        rows = {**self.splits, "all": self.total}
        lines = [f"{'split':<6}{'videos':>8}{'captions':>10}{'words':>8}{'longest':>9}"]
        lines += [
            f"{name:<6}{row.videos:>8,}{row.captions:>10,}{row.words:>8,}{row.longest:>9,}"
            for name, row in rows.items()
        ]
        return "\n".join(lines)


@checked
def corpus_summary(corpus: CaptionCorpus) -> CorpusSummary:
    """Computes the statistics of a corpus; words are those of :func:`stgraph.text.normalise`.

    >>> from stgraph.datasets import VideoCaptions
    >>> corpus = CaptionCorpus({"v1": VideoCaptions("train", ("A dog runs.", "a dog"))})
    >>> print(corpus_summary(corpus))
    split   videos  captions   words  longest
    train        1         2       3        3
    all          1         2       3        3
    """
    words = {
        split: [
            normalise(caption).split() for video in corpus.ids(split) for caption in corpus.captions(video)
        ]
        for split in corpus.splits
    }
    splits = {split: _summary(len(corpus.ids(split)), captions) for split, captions in words.items()}
    return CorpusSummary(
        splits, _summary(len(corpus), [caption for captions in words.values() for caption in captions])
    )


def published_differences(corpus: CaptionCorpus, name: str) -> list[str]:
    """Describes each number of videos or captions that differs from the published one, without counting words.

    Args:
        corpus: The corpus.
        name: "msvd" or "msrvtt".

    Raises:
        OptionError: If the name is another one.
    """
    by_split = {split: corpus.references(split) for split in corpus.splits}
    counts = {split: (len(videos), sum(map(len, videos.values()))) for split, videos in by_split.items()}
    return _differences(counts, name)


def _differences(counts: Mapping[str, tuple[int, int]], name: str) -> list[str]:
    if name not in PUBLISHED:
        raise OptionError(
            f"Published counts are known for {sorted(PUBLISHED)}, not for {name!r}; choose one of those."
        )
    return [
        f"{split}: {value:,} {what}, published {wanted:,}"
        for split, published in PUBLISHED[name].items()
        for what, value, wanted in zip(
            ("videos", "captions"), counts.get(split, (0, 0)), published, strict=True
        )
        if value != wanted
    ]


def _summary(videos: int, captions: Iterable[list[str]]) -> SplitSummary:
    captions = list(captions)
    different = {word for caption in captions for word in caption}
    return SplitSummary(videos, len(captions), len(different), max(map(len, captions), default=0))
