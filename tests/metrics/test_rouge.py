import random

import pytest
from pycocoevalcap.rouge.rouge import Rouge, my_lcs

from stgraph.metrics.rouge import RougeL, _PackedReferences
from tests.metrics.sentences import token_sets, tokens


@pytest.mark.parametrize("seed", range(4))
def test_equals_pycocoevalcap(seed):
    references, captions = token_sets(seed)
    corpus, per_video = Rouge().compute_score(
        dict(enumerate(references)), {video: [caption] for video, caption in enumerate(captions)}
    )
    score, each = RougeL(references)(captions)["ROUGE-L"]
    assert score == pytest.approx(corpus, abs=1e-12)
    assert each == pytest.approx(list(per_video), abs=1e-12)


def test_common_lengths_equal_the_dynamic_programme():
    rng = random.Random(0)
    for _ in range(300):
        references = list(dict.fromkeys(tokens(rng) for _ in range(rng.randint(1, 12))))
        caption = tokens(rng, shortest=0).split(" ")
        expected = [my_lcs(reference.split(" "), caption) for reference in references]
        assert _PackedReferences(references).common_lengths(caption) == expected


def test_worked_by_hand():
    # "a c" is common to both: precision 2 / 2 and recall 2 / 3
    score, _ = RougeL([["a b c"]])(["a c"])["ROUGE-L"]
    assert score == pytest.approx((1 + 1.44) * (2 / 3) / (2 / 3 + 1.44))
