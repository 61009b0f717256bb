import os
import threading
import time

import pytest

from stgraph.errors import JavaError
from stgraph.metrics import meteor
from stgraph.metrics.java import JavaProcess
from stgraph.metrics.meteor import MAX_WORDS, Meteor
from tests.metrics.sentences import token_sets


def test_a_repeated_reference_changes_nothing_and_an_empty_caption_scores_zero(pycocoevalcap):
    references, captions = token_sets(0)
    corpus, per_video = pycocoevalcap.meteor.compute_score(
        dict(enumerate(references)), {video: [caption] for video, caption in enumerate(captions)}
    )
    assert Meteor(references)(captions)["METEOR"] == (corpus, per_video)
    assert per_video[captions.index("")] == 0.0


def test_sees_the_first_words_of_a_very_long_sentence():
    words = " ".join(["a", "man", "plays"] * 4000)
    cut = " ".join(words.split()[:MAX_WORDS])
    references = [["a man plays a guitar"]]
    (score, _) = Meteor(references)([words])["METEOR"]
    assert 0 < score < 0.5
    assert Meteor(references)([cut])["METEOR"][0] == score
    assert Meteor([["a man", words]])(["a man plays"])["METEOR"][0] > 0


def test_killed_twice_but_not_at_one_question_gives_the_same_scores():
    references, captions = token_sets(1)
    evaluate = Meteor(references)
    before = evaluate(captions)
    first = meteor.SERVER.pid
    os.kill(first, 9)  # between two evaluations
    while meteor.SERVER.pid == first:
        time.sleep(0.01)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(evaluate(captions)))
    meteor.SERVER.start()
    second = meteor.SERVER.pid
    thread.start()
    time.sleep(0.5)  # its question is sent, and it is still loading its tables
    os.kill(second, 9)
    thread.join()
    assert answers == [before]
    assert len({first, second, meteor.SERVER.pid}) == 3


def test_dead_twice_is_an_error_and_no_score(monkeypatch):
    monkeypatch.setattr(meteor, "SERVER", JavaProcess("METEOR", "-version"))
    with pytest.raises(JavaError, match="METEOR died twice"):
        Meteor([["a cat"]])(["a cat"])
