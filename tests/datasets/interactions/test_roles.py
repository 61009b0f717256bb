import pytest

from stgraph.datasets.interactions import caption_roles, noun_verb_accuracy
from stgraph.errors import DataError, UnknownVideoError


@pytest.mark.parametrize(
    ("caption", "roles"),
    [
        ("the red ball chases the blue box", ("red ball", "chase", "blue box")),
        ("a blue box is being chased by a red ball", ("red ball", "chase", "blue box")),
        ("the red ball runs away from the blue box", ("red ball", "flee", "blue box")),
        ("there is a red ball running after a blue box", ("red ball", "chase", "blue box")),
        ("The RED ball  leaves the blue box", ("red ball", "leave", "blue box")),
        ("the red ball is left by the blue box", ("blue box", "leave", "red ball")),
        ("the red ball meets", ("red ball", "meet", None)),
        ("chases the blue box", (None, "chase", "blue box")),
        ("the blue box is chased the red ball", (None, "chase", None)),  # who does it is not said
        ("a red box", ("red box", None, None)),
        ("a cat sleeps", (None, None, None)),
        ("redball boxing outgoing into", (None, None, None)),  # parts of words are no words
        ("", (None, None, None)),
    ],
)
def test_roles(caption, roles):
    assert caption_roles(caption) == roles


REFERENCES = {
    "a": ["the red ball chases the blue box", "the blue box is chased by the red ball"],
    "b": ["a green cone meets a cyan star"],
}


def test_accuracy_worked_by_hand():
    captions = {"a": "the blue box chases the red star", "b": "the green cone circles the cyan star"}
    # Nouns: 1 of 2 and 2 of 2; verbs: right and wrong. Which noun does it is not asked.
    assert noun_verb_accuracy(captions, REFERENCES) == {"noun": 0.75, "verb": 0.5}


def test_a_noun_said_twice_counts_once():
    assert noun_verb_accuracy({"a": "the red ball and the red ball"}, REFERENCES) == {
        "noun": 0.5,
        "verb": 0.0,
    }


def test_errors_name_the_video():
    with pytest.raises(UnknownVideoError, match="'c'"):
        noun_verb_accuracy({"c": "x"}, REFERENCES)
    with pytest.raises(DataError, match="'d' names a pair and a verb"):
        noun_verb_accuracy({"d": "x"}, {"d": ["a man is cooking"]})
    with pytest.raises(DataError, match="at least one video"):
        noun_verb_accuracy({}, REFERENCES)
