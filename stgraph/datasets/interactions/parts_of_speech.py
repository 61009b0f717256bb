"""Exact part-of-speech tags for the captions of ``interactions``, taken from the word lists of its grammar."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from stgraph.checking import checked
from stgraph.datasets.interactions.vocabulary import KINDS, VERBS
from stgraph.errors import DataError

__all__ = ["tag_interactions"]

# The words of the sentence patterns; all others come from the kinds and verbs.
_PATTERN_WORDS = {
    "the": "determiner",
    "a": "determiner",
    "there": "pronoun",
    "is": "auxiliary",
    "being": "auxiliary",
    "by": "preposition",
}


@checked
def tag_interactions(words: Sequence[str]) -> list[str]:
    """Tags each word of a caption of ``interactions`` with one of ``stgraph.text.PARTS_OF_SPEECH``.

    Verbs of several words are tagged as a verb and prepositions ("runs away from"). Every word of the grammar has one part
    of speech, so the order of the words doesn't matter.

    Raises:
        DataError: If a word is not in the grammar.

    >>> tag_interactions("the red ball runs after a blue box".split())
    ['determiner', 'adjective', 'noun', 'verb', 'preposition', 'determiner', 'adjective', 'noun']
    """
    lexicon = _lexicon()
    for word in words:
        if word not in lexicon:
            raise DataError(
                f"{word!r} in '{' '.join(words)}' is not a word of the grammar of 'interactions'; captions of other "
                "data need another tagger, such as tagger=english."
            )
    return [lexicon[word] for word in words]


@cache
def _lexicon() -> dict[str, str]:
    found = dict(_PATTERN_WORDS)
    for kind in KINDS:
        found |= {kind.colour: "adjective", kind.shape: "noun"}
    for verb in VERBS:
        for phrase in filter(None, (phrase for forms in verb.forms for phrase in forms)):
            first, *rest = phrase.split()
            found |= {first: "verb", **dict.fromkeys(rest, "preposition")}
    return found
