import json
import random

import numpy as np
import pytest

from stgraph.metrics import METRICS, CaptionEvaluator
from stgraph.metrics.bootstrap import scores_of_sets
from tests.metrics.conftest import pycocoevalcap  # noqa: F401  (a fixture)


def test_msvd_equals_pycocoevalcap(real_data, pycocoevalcap):  # noqa: F811
    folder = real_data / "corpora" / "msvd"
    sentences = json.loads((folder / "captions.json").read_text())
    references = {video: sentences[video] for video in (folder / "test_list.txt").read_text().split()[:150]}
    rng = random.Random(0)
    pool = [one for video in (folder / "train_list.txt").read_text().split() for one in sentences[video]]
    captions = {
        video: rng.choice(pool if i % 2 else group) for i, (video, group) in enumerate(references.items())
    }
    scores = CaptionEvaluator(references)(captions)
    expected = pycocoevalcap(references, captions)
    assert set(expected) == set(METRICS)
    for metric, (corpus, per_video) in expected.items():
        assert scores[metric] == pytest.approx(corpus, abs=1e-9)
        assert list(scores.per_video[metric].values()) == pytest.approx(list(per_video), abs=1e-9)
    summed = scores_of_sets(scores, np.ones((1, len(references))))
    assert {metric: values[0] for metric, values in summed.items()} == pytest.approx(scores.corpus, abs=1e-9)
