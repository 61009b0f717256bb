"""Hugging Face's Marian with our weights generates the same words."""

import pytest
import torch

from benchmarks.speed.decoding import EOS, TINY, Rival


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_words_are_those_of_hugging_face_generate(method, seed):
    rival = Rival.make(TINY, torch.device("cpu"), seed)
    rival.end_at(torch.tensor([3, 5, 8, 12, 19]))
    ours = rival.write(method)
    assert torch.equal(ours, rival.write_theirs(method))
    lengths = (ours != 0).sum(1)
    assert EOS in ours
    assert len(set(lengths.tolist())) > 1
    assert torch.equal(ours, rival.write(method, copying=True))
