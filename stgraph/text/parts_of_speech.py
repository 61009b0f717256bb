"""Parts of speech of the words of a caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from stgraph.errors import DependencyError

__all__ = ["PARTS_OF_SPEECH", "Tagger", "english_tagger"]

PARTS_OF_SPEECH = (
    "noun",
    "verb",
    "adjective",
    "adverb",
    "pronoun",
    "determiner",
    "preposition",  # particles too: the "up" of "picks up"
    "conjunction",
    "number",
    "auxiliary",  # forms of "be" and modal verbs: they occur in nearly every caption and name no action
    "other",  # "not", interjections, single letters, words of no known class
)

Tagger = Callable[[Sequence[str]], list[str]]
"""Maps the normalised words of a caption to one part of speech each."""

# Beginnings of the C5 tags of the British National Corpus; the longest match applies.
_C5 = {
    "NN": "noun",
    "NP": "noun",
    "V": "verb",
    "VB": "auxiliary",
    "VM": "auxiliary",
    "AJ": "adjective",
    "ORD": "adjective",
    "CRD": "number",
    "CJ": "conjunction",
    "AV": "adverb",
    "AVP": "preposition",
    "PRP": "preposition",
    "PRF": "preposition",
    "TO": "preposition",
    "AT": "determiner",
    "DT": "determiner",
    "DPS": "determiner",
    "PN": "pronoun",
    "EX": "pronoun",
}


@cache  # reading the model takes a quarter of a second
def english_tagger() -> Tagger:
    """A tagger of English captions: HanTa, whose wheel contains its model, so that nothing is downloaded.

    Raises:
        DependencyError: If HanTa is not installed.

    Reference: C. Wartena, A Probabilistic Morphology Model for German Lemmatization, KONVENS 2019; tags of
        http://www.natcorp.ox.ac.uk/docs/c5spec.html.
    """
    try:
        from HanTa import HanoverTagger
    except ImportError as error:
        raise DependencyError(
            "Parts of speech of English captions need the package 'HanTa', which is not installed; run: "
            "pip install 'stgraph-captioning[words]'"
        ) from error
    # The whole path: by its name alone, HanTa would unpickle a file of that name in the working folder.
    model = HanoverTagger.HanoverTagger(str(Path(HanoverTagger.__file__).with_name("morphmodel_en.pgz")))

    def tag(words: Sequence[str]) -> list[str]:
        return [_part(c5) for c5 in model.tag_sent(list(words), taglevel=0, casesensitive=False)]

    return tag


def _part(c5: str) -> str:
    return next((_C5[c5[:n]] for n in range(len(c5), 0, -1) if c5[:n] in _C5), "other")
