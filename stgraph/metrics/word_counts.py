"""Counts the words of captions by part of speech, as for Fig. 5 of STaTS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stgraph.checking import checked
from stgraph.errors import DataError, UnknownVideoError
from stgraph.text import PARTS_OF_SPEECH, Tagger, normalise

__all__ = ["WordCounts", "count_words"]


@checked
@dataclass(frozen=True)
class WordCounts:
    """Frequency of words in captions by part of speech.

    Args:
        counts: Frequency by (word, part of speech); words are not lemmatised ("plays" and "playing" are different).
        right: By part of speech, number of words that also occur in a reference of their video; None without references.

    >>> tags = {"a": "determiner", "dog": "noun", "runs": "verb", "cat": "noun"}
    >>> counts = count_words({"v": "a dog runs", "w": "a cat"}, lambda words: [tags[word] for word in words])
    >>> counts.said("noun"), counts.distinct("noun"), counts.share("noun"), counts.ranked(first=2)
    (2, 2, 0.4, [('dog', 'noun', 1), ('runs', 'verb', 1)])
    """

    counts: Counter[tuple[str, str]]
    right: Counter[str] | None = None

    def said(self, *parts: str) -> int:
        """Number of words of these parts of speech, or of all words."""
        return sum(count for (_, part), count in self.counts.items() if not parts or part in parts)

    def distinct(self, *parts: str) -> int:
        """Number of distinct words of these parts of speech, or of all distinct words."""
        return len({word for word, part in self.counts if not parts or part in parts})

    def share(self, part: str, among: Sequence[str] = PARTS_OF_SPEECH) -> float:
        """Share of a part of speech among the words of the parts ``among``; NaN if there are none."""
        whole = self.said(*among)
        return self.said(part) / whole if whole else float("nan")

    def precision(self, part: str) -> float:
        """Share of a part's words that also occur in a reference of their video; NaN without such words or references."""
        said = self.said(part)
        return self.right[part] / said if self.right is not None and said else float("nan")

    def ranked(
        self, parts: Sequence[str] = ("noun", "verb"), first: int = 6, last: int = 25
    ) -> list[tuple[str, str, int]]:
        """Words of these parts of speech with ranks ``first`` to ``last``, most frequent first, ties in alphabetical order.

        The defaults are those of STaTS: the top 20 nouns and verbs after removing the five most frequent.
        """
        rows = [(word, part, count) for (word, part), count in self.counts.items() if part in parts]
        return sorted(rows, key=lambda row: (-row[2], row[:2]))[first - 1 : last]


@checked
def count_words(
    captions: Mapping[str, str], tagger: Tagger, references: Mapping[str, Sequence[str]] | None = None
) -> WordCounts:
    """Counts the words of captions by part of speech.

    Args:
        captions: Caption by video id.
        tagger: Returns the part of speech of each word of a sentence: ``stgraph.text.english_tagger()``,
            ``stgraph.datasets.interactions.tag_interactions``, or your own function.
        references: Reference sentences by video id; other videos are ignored.

    Raises:
        DataError: If the tagger doesn't return one part of speech per word.
        UnknownVideoError: If a video has a caption but no references.

    Reference: Cherian et al., WACV 2020, Fig. 5.
    """
    counts: Counter[tuple[str, str]] = Counter()
    right: Counter[str] | None = None if references is None else Counter()
    for video, caption in captions.items():
        words = normalise(caption).split()
        parts = tagger(words)
        if len(parts) != len(words) or not set(parts) <= set(PARTS_OF_SPEECH):
            raise DataError(
                f"'tagger' must return one of {', '.join(PARTS_OF_SPEECH)} for each of {words}, got {parts}."
            )
        counts.update(zip(words, parts, strict=True))
        if references is not None and right is not None:
            if video not in references:
                raise UnknownVideoError(
                    f"No references of video '{video}'; give the sentences of all captioned videos."
                )
            known = {word for sentence in references[video] for word in normalise(sentence).split()}
            right.update(part for word, part in zip(words, parts, strict=True) if word in known)
    return WordCounts(counts, right)
