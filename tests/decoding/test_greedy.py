import pytest
import torch

from stgraph.decoding import DecodingState, Greedy
from stgraph.errors import OptionError
from stgraph.text import SpecialTokens

PAD, BOS, EOS, UNK = range(4)


class Table:
    """A language model that looks up the next word's scores by the last word; the state counts the active captions."""

    def __init__(self, scores):
        self.scores, self.sizes = torch.tensor(scores), []

    def step(self, tokens, state):
        self.sizes.append(len(tokens))
        return self.scores[tokens] + state.offset, state


class State(DecodingState):
    def __init__(self, offset):
        self.offset = offset

    def select(self, index):
        return State(self.offset[index])


SCORES = [[0.0] * 7 for _ in range(7)]
SCORES[BOS] = [0, 0, 0, 9, 5, 4, 0]  # the unknown word would win
SCORES[4] = [0, 0, 1, 0, 0, 3, 2]
SCORES[5] = [0, 0, 3, 0, 0, 0, 1]
SCORES[6] = [0, 0, 9, 0, 0, 0, 0]


def decode(offset, **options):
    table = Table(SCORES)
    state = State(torch.tensor(offset))
    found = Greedy().decode(table, state, len(offset), SpecialTokens(PAD, BOS, EOS, UNK), **options)
    return table, found


def test_takes_the_likeliest_allowed_word_and_lets_finished_captions_leave():
    free = [0.0] * 7
    hurried = [0, 0, 2.5, 0, 0, 0, 0]  # ends a word earlier
    table, found = decode([free, hurried], max_length=6)
    assert found.tokens.tolist() == [[4, 5, EOS, 0, 0, 0], [4, EOS, 0, 0, 0, 0]]
    assert table.sizes == [2, 2, 1]
    expected = (
        torch.tensor(SCORES[BOS]).float().log_softmax(0)[4]
    )  # of the whole vocabulary, suppressed words included
    torch.testing.assert_close(found.log_probs[0, 0], expected)
    assert (found.log_probs[found.tokens == 0] == 0).all()


def test_stops_at_max_length_without_an_end_token():
    _, found = decode([[0.0] * 7], max_length=2)
    assert found.tokens.tolist() == [[4, 5]]
    with pytest.raises(OptionError, match="'max_length' must be at least 1, got 0"):
        decode([[0.0] * 7], max_length=0)
