import pytest
from pycocoevalcap.bleu.bleu import Bleu as Definition

from stgraph.metrics.bleu import Bleu
from tests.metrics.sentences import token_sets


@pytest.mark.parametrize("seed", range(4))
def test_equals_pycocoevalcap(seed):
    references, captions = token_sets(seed)
    corpus, per_video = Definition(4).compute_score(
        dict(enumerate(references)), {video: [caption] for video, caption in enumerate(captions)}, verbose=0
    )
    scores = Bleu(references)(captions)
    for n in (1, 2, 3, 4):
        assert scores[f"BLEU-{n}"][0] == pytest.approx(corpus[n - 1], rel=1e-12)
        assert scores[f"BLEU-{n}"][1] == pytest.approx(per_video[n - 1], rel=1e-12)


def test_worked_by_hand():
    # 3 of 4 words and 1 of 3 pairs are in the reference of 5: brevity exp(1 - 5 / 4)
    scores = Bleu([["a b c d e"]])(["a b x d"])
    assert scores["BLEU-1"][0] == pytest.approx(0.77880078 * 0.75)
    assert scores["BLEU-2"][0] == pytest.approx(0.77880078 * (0.75 / 3) ** 0.5)
    assert scores["BLEU-3"][0] == pytest.approx(0, abs=1e-5)
