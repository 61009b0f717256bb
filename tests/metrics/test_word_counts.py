import math

import pytest

from stgraph.errors import DataError, UnknownVideoError
from stgraph.metrics import count_words

TAGS = {
    **dict.fromkeys(("dog", "cat", "ball"), "noun"),
    **dict.fromkeys(("plays", "eats"), "verb"),
    "a": "determiner",
    "red": "adjective",
    "is": "auxiliary",
}
CAPTIONS = {"v": "A red dog plays.", "w": "a cat is a cat", "x": "", "y": "a dog eats a ball"}


def tag(words):
    return [TAGS[word] for word in words]


def test_counts_worked_by_hand():
    counts = count_words(CAPTIONS, tag)
    assert counts.said() == 14
    assert counts.distinct() == 8
    assert [counts.said(part) for part in ("noun", "verb", "adjective", "determiner", "adverb")] == [
        5,
        2,
        1,
        5,
        0,
    ]
    assert [counts.distinct(part) for part in ("noun", "verb", "determiner", "adverb")] == [3, 2, 1, 0]
    assert counts.share("noun") == 5 / 14
    content = ("noun", "verb", "adjective")
    assert [counts.share(part, content) for part in content] == [5 / 8, 2 / 8, 1 / 8]
    assert math.isnan(counts.share("noun", ("adverb",)))
    assert counts.right is None
    assert math.isnan(counts.precision("noun"))


def test_a_word_is_right_where_a_reference_of_its_own_video_has_it():
    references = {
        "v": ["The dog sleeps", "a RED animal"],
        "w": ["a dog"],
        "x": ["a cat"],
        "y": ["a ball", "it is eaten"],
        "z": ["not asked for"],
    }
    counts = count_words(CAPTIONS, tag, references)
    assert counts.counts == count_words(CAPTIONS, tag).counts
    assert (
        counts.precision("noun") == 2 / 5
    )  # "dog" of v and "ball" of y; the cats of w and the dog of y are not there
    assert counts.precision("verb") == 0
    assert counts.precision("adjective") == 1
    assert counts.precision("determiner") == 1
    assert math.isnan(counts.precision("adverb"))
    with pytest.raises(UnknownVideoError, match="No references of video 'y'"):
        count_words(CAPTIONS, tag, {video: references[video] for video in "vwxz"})


def test_ranks_are_by_number_then_by_the_alphabet():
    counts = count_words(CAPTIONS, tag)
    rows = [
        ("cat", "noun", 2),
        ("dog", "noun", 2),
        ("ball", "noun", 1),
        ("eats", "verb", 1),
        ("plays", "verb", 1),
    ]
    assert counts.ranked(first=1) == rows
    assert counts.ranked(first=2, last=4) == rows[1:4]
    assert counts.ranked(("verb",), first=1) == rows[3:]
    assert counts.ranked() == []  # there are only five


def test_a_word_may_be_two_parts_of_speech():
    counts = count_words({"v": "play play"}, lambda words: ["noun", "verb"])
    assert counts.ranked(first=1) == [("play", "noun", 1), ("play", "verb", 1)]
    assert (counts.said(), counts.distinct(), counts.distinct("noun")) == (2, 1, 1)


@pytest.mark.parametrize("answer", [["noun"], ["noun", "NN1"]])
def test_a_tagger_that_answers_something_else_is_refused(answer):
    with pytest.raises(DataError, match="'tagger' must return one of noun, verb, .* for each of"):
        count_words({"v": "a dog"}, lambda words: answer)


def test_captions_without_words_are_counted_too():
    counts = count_words({"v": "", "w": "..."}, tag)
    assert counts.said() == 0
    assert math.isnan(counts.share("noun"))
