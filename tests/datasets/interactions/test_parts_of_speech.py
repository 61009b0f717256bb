import pytest

from stgraph.datasets.interactions import KINDS, VERBS, make_scene, reference_sentences, tag_interactions
from stgraph.datasets.interactions.parts_of_speech import _PATTERN_WORDS
from stgraph.errors import DataError
from stgraph.text import PARTS_OF_SPEECH


@pytest.mark.parametrize(
    "sentence",
    [
        "the/determiner red/adjective ball/noun jumps/verb over/preposition the/determiner blue/adjective cone/noun",
        "there/pronoun is/auxiliary a/determiner cyan/adjective star/noun running/verb away/preposition from/preposition "
        "a/determiner yellow/adjective ring/noun",
        "a/determiner blue/adjective box/noun is/auxiliary being/auxiliary left/verb by/preposition a/determiner "
        "green/adjective cross/noun",
        "purple/adjective comes/verb out/preposition of/preposition",  # what a model may say
    ],
)
def test_sentences(sentence):
    words, parts = zip(*(pair.split("/") for pair in sentence.split()), strict=True)
    assert tag_interactions(words) == list(parts)


def test_every_word_that_the_grammar_says_has_a_part_of_speech():
    said = set()
    for index in range(400):
        for sentence in reference_sentences(make_scene(7, index), 7, index):
            words = sentence.split()
            said |= set(words)
            parts = tag_interactions(words)
            assert set(parts) <= set(PARTS_OF_SPEECH)
            assert (parts.count("noun"), parts.count("verb"), parts.count("adjective")) == (2, 1, 2)
    assert set(_PATTERN_WORDS) < said  # none that is never said


def test_no_word_is_two_parts_of_speech():
    phrases = [phrase.split() for verb in VERBS for forms in verb.forms for phrase in forms if phrase]
    groups = [
        set(_PATTERN_WORDS),
        {kind.colour for kind in KINDS},
        {kind.shape for kind in KINDS},
        {first for first, *_ in phrases},
        {word for _, *rest in phrases for word in rest},
    ]
    assert sum(map(len, groups)) == len(set().union(*groups))


def test_other_words_are_refused():
    with pytest.raises(
        DataError, match="'guitar' in 'a guitar' is not a word of the grammar .* tagger=english"
    ):
        tag_interactions(["a", "guitar"])
    assert tag_interactions([]) == []
