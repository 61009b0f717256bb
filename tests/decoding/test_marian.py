"""Hugging Face's Marian with our weights generates the same words."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch

from benchmarks.speed.decoding import EOS, TINY, Rival
from stgraph.decoding import DecodingState


@dataclass
class Copying(DecodingState):
    """A state whose beams share nothing: each selection copies its rows."""

    state: Any

    def select(self, index):
        return Copying(self.state.select(index))


class CopyingDecoder(torch.nn.Module):
    """A language model whose states are copied."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder, self.encode = decoder, decoder.encode

    def start(self, *given):
        return Copying(self.decoder.start(*given))

    def step(self, tokens, state):
        scores, after = self.decoder.step(tokens, state.state)
        return scores, Copying(after)


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
    assert torch.equal(ours, replace(rival, ours=CopyingDecoder(rival.ours)).write(method))
