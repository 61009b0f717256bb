import pytest
from pycocoevalcap.cider.cider import Cider as Definition

from stgraph.metrics.cider import Cider
from tests.metrics.sentences import token_sets


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("videos", [5, 40])
def test_equals_pycocoevalcap(seed, videos):
    references, captions = token_sets(seed, videos)
    corpus, per_video = Definition().compute_score(
        dict(enumerate(references)), {video: [caption] for video, caption in enumerate(captions)}
    )
    score, each = Cider(references)(captions)["CIDEr"]
    assert score > 0.1
    assert score == pytest.approx(corpus, abs=1e-9)
    assert each == pytest.approx(list(per_video), abs=1e-9)


def test_a_second_call_does_not_depend_on_the_first():
    references, captions = token_sets(0)
    evaluate = Cider(references)
    first = evaluate(captions)
    evaluate(captions[::-1])  # words that no reference has must not enter the frequencies
    evaluate(["unseen words here"] * len(captions))
    assert evaluate(captions) == first


def test_one_video_alone_scores_zero_as_in_pycocoevalcap():
    assert Cider([["a b c"]])(["a b c"])["CIDEr"] == (0.0, [0.0])
    assert Definition().compute_score({0: ["a b c"]}, {0: ["a b c"]})[0] == 0.0
