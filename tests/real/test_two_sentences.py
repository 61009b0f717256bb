import json

import pytest

from stgraph.metrics import CaptionEvaluator

NAMES = {f"Bleu_{n}": f"BLEU-{n}" for n in (1, 2, 3, 4)} | {
    "METEOR": "METEOR",
    "ROUGE_L": "ROUGE-L",
    "CIDEr": "CIDEr",
}


def test_published_scores_to_five_decimals(real_data):
    file = json.loads((real_data / "metrics" / "two_sentences.json").read_text())
    references = {str(i): group for i, group in enumerate(file["references"])}
    captions = {str(i): caption for i, caption in enumerate(file["hypotheses"])}
    scores = CaptionEvaluator(references)(captions)
    assert len(file["expected"]) == len(NAMES)
    for name, value in file["expected"].items():
        assert scores[NAMES[name]] == pytest.approx(value, abs=5e-6), name
