import random

import pytest

from stgraph.errors import DataError, OptionError, UnknownVideoError
from stgraph.metrics import METRICS, CaptionEvaluator, rewards
from stgraph.metrics.rewards import CaptionReward
from stgraph.text import normalise
from tests.metrics.sentences import caption_sets

CHEAP = {"BLEU-4": 1.0, "ROUGE-L": 1.0, "CIDEr": 1.0}


def vocabulary_captions(seed, videos=12):
    """References as written by people; captions of plain words, some of which the COCO tokeniser splits."""
    references, captions = caption_sets(seed, videos)
    captions = {video: normalise(caption) for video, caption in captions.items()}
    changed = ["", "a", "a man cannot play", "they wanna play a ball", normalise(references["video4"][0])]
    return references, {**captions, **dict(zip(captions, changed))}


def test_scores_are_the_evaluators_of_each_video():
    references, captions = vocabulary_captions(0)
    expected = CaptionEvaluator(references)(captions).per_video
    reward = CaptionReward(references, dict.fromkeys(METRICS, 1.0))
    random.seed(0)
    asked = random.choices(list(references), k=30)  # some videos several times, others never
    found = reward.scores([captions[video] for video in asked], asked)
    assert found == {metric: [expected[metric][video] for video in asked] for metric in METRICS}
    assert all(len(set(each)) > 5 for each in found.values())
    empty = next(iter(references))
    assert reward([captions[empty]], [empty]) == [0.0]


def test_several_captions_of_one_video_and_those_of_the_call_before():
    references, captions = vocabulary_captions(1)
    reward, (first, _, third, *_) = CaptionReward(references, CHEAP), references
    texts, evaluate = list(captions.values()), CaptionEvaluator(references, CHEAP)
    for batch in (texts[:4], texts[3:6]):
        found = reward.scores(batch, [third] * len(batch))
        for caption, *row in zip(batch, *found.values(), strict=True):
            alone = evaluate({**captions, third: caption}).per_video
            assert row == [alone[metric][third] for metric in found]
    assert reward([texts[5]], [first]) != reward([texts[5]], [third])  # remembered for its video alone


def test_weights_multiply_the_scores():
    references, captions = vocabulary_captions(2)
    texts, videos = list(captions.values()), list(captions)
    reward = CaptionReward(references, {"ROUGE-L": 0.5, "CIDEr": 2.0, "BLEU-2": -1.0})
    scores = reward.scores(texts, videos)
    expected = [
        0.5 * r + 2.0 * c - b
        for r, c, b in zip(scores["ROUGE-L"], scores["CIDEr"], scores["BLEU-2"], strict=True)
    ]
    assert reward(texts, videos) == pytest.approx(expected, rel=1e-12)
    assert len(set(expected)) > 5


def test_a_caption_is_scored_once_and_meteor_asked_for_all_at_once(monkeypatch):
    asked = []

    class Meteor:
        def __init__(self, groups):
            self.groups = groups

        def __call__(self, captions):
            asked.append(list(zip(captions, map(tuple, self.groups))))
            return {"METEOR": (0.0, [float(len(caption)) for caption in captions])}

    monkeypatch.setattr(rewards, "Meteor", Meteor)
    reward = CaptionReward({"x": ["a cat"], "y": ["a dog", "the dog"]}, {"METEOR": 1.0})
    assert reward(["a", "the cat", "a", "a"], ["x", "x", "x", "y"]) == [1.0, 7.0, 1.0, 1.0]
    assert reward(["the cat", "dogs"], ["x", "y"]) == [7.0, 4.0]
    dogs = ("a dog", "the dog")
    assert asked == [[("a", ("a cat",)), ("the cat", ("a cat",)), ("a", dogs)], [("dogs", dogs)]]
    monkeypatch.setattr(rewards, "CACHE_SIZE", 0)
    assert reward(["the cat"], ["x"]) == [7.0]
    assert len(asked) == 3  # forgotten, so that memory does not grow for ever


def test_words_are_tokenised_once(monkeypatch):
    calls, tokenize = [], rewards.tokenize
    monkeypatch.setattr(rewards, "tokenize", lambda texts: calls.append(list(texts)) or tokenize(texts))
    reward = CaptionReward({"x": ["a cat", "A dog."]}, {"ROUGE-L": 1.0}, words=("<pad>", "a", "cat"))
    assert calls == []  # no program starts before the first question
    reward(["a cat"], ["x"])
    assert calls == [["<pad>", "a", "cat"], ["a cat", "A dog."]]
    del calls[:]
    assert reward(["cat a", "a dog a"], ["x", "x"]) == pytest.approx([0.5, 0.8299319727891157])
    assert [call for call in calls if call] == [["dog"]]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, "'weights' must have keys among BLEU-1, .*got none"),
        ({"SPICE": 1.0}, r"got \['SPICE'\]"),
        ({"CIDEr": float("nan")}, "'weights' of CIDEr must be a finite number, got nan"),
        ({"CIDEr": "1"}, r"'weights\['CIDEr'\]' must be a number, got '1'"),
    ],
)
def test_wrong_weights_are_named(weights, message):
    with pytest.raises(OptionError, match=message):
        CaptionReward({"x": ["a cat"]}, weights)


def test_wrong_captions_and_references_are_named():
    reward = CaptionReward({"x": ["a cat"]}, CHEAP)
    with pytest.raises(UnknownVideoError, match="No references of 1 of 2 videos .first 'z'"):
        reward(["a", "a"], ["x", "z"])
    with pytest.raises(DataError, match="one string for each of 1 'video_ids', got 2"):
        reward(["a", "a"], ["x"])
    with pytest.raises(OptionError, match="'captions' must be a sequence of strings, got 'a'"):
        reward("a", ["x"])
    with pytest.raises(DataError, match="at least one video"):
        CaptionReward({})
    with pytest.raises(DataError, match="'references' of 'x' must be sentences with words, got '...'"):
        CaptionReward({"x": ["a cat", "..."]}, CHEAP)(["a cat"], ["x"])
