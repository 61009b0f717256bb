"""The part of speech of every word that the grammar can say: exact, as it is read off the grammar's own lists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from stgraph.datasets.interactions.vocabulary import KINDS, VERBS
from stgraph.errors import DataError

__all__ = ["tag_interactions"]

# The words of the sentence patterns; the rest comes from the kinds and verbs.
_PATTERN_WORDS = {
    "the": "determiner",
    "a": "determiner",
    "there": "pronoun",
    "is": "auxiliary",
    "being": "auxiliary",
    "by": "preposition",
}


def tag_interactions(words: Sequence[str]) -> list[str]:
    """The part of speech of each word of a caption of ``interactions``, among ``stgraph.text.PARTS_OF_SPEECH``.

    A verb of several words is a verb and prepositions: "runs away from". No word of the grammar is two parts of
    speech, so order does not matter.

    Raises: DataError: A word that the grammar cannot say.

    >>> tag_interactions("the red ball runs after a blue box".split())
    ['determiner', 'adjective', 'noun', 'verb', 'preposition', 'determiner', 'adjective', 'noun']
    """
    lexicon = _lexicon()
    for word in words:
        if word not in lexicon:
            raise DataError(
                f"{word!r} in '{' '.join(words)}' is no word of the grammar of 'interactions'; captions of other "
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
