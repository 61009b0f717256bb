"""Vocabulary of the training captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stgraph.errors import DataError

__all__ = ["SPECIAL", "build_vocabulary"]

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")


def build_vocabulary(
    captions: Iterable[list[str]], min_count: int = 1, max_size: int | None = None
) -> dict[str, int]:
    """Ids of the special tokens, then of the words by falling count, equal counts in alphabetical order.

    Args:
        captions: Words of each caption.
        min_count: Least count of a word that is kept.
        max_size: Largest number of words, special tokens apart; the rarest are left out. None keeps all.

    Raises:
        DataError: If no word reaches ``min_count``.

    >>> build_vocabulary([["a", "dog", "runs"], ["a", "cat"]])
    {'<pad>': 0, '<bos>': 1, '<eos>': 2, '<unk>': 3, 'a': 4, 'cat': 5, 'dog': 6, 'runs': 7}
    """
    counts = Counter(word for words in captions for word in words)
    kept = sorted((-count, word) for word, count in counts.items() if count >= min_count)[:max_size]
    if not kept:
        raise DataError(
            f"No word occurs {min_count} times in the captions; pass training captions or lower 'min_count'."
        )
    return {word: number for number, word in enumerate((*SPECIAL, *(word for _, word in kept)))}
