"""Beams that share a cache equal the whole-sentence decoder, which has no cache."""

import pytest
import torch

from stgraph.nn import CaptionTransformer


class Written:
    """Drives a decoder by random words and checks each step against the whole sentence so far."""

    def __init__(self, max_length=7):
        torch.manual_seed(0)
        self.decoder = CaptionTransformer(30, 16, num_heads=4, feedforward_channels=32).eval()
        mask = torch.tensor([[True] * 5, [True, True, True, False, False], [True] * 5])
        self.memory = self.decoder.encode(torch.randn(3, 5, 16), mask)
        self.state = self.decoder.start(self.memory, max_length)
        self.videos, self.words = torch.arange(3), torch.zeros(3, 0, dtype=torch.long)

    def step(self):
        words = torch.randint(4, 30, (len(self.videos),))
        self.words = torch.cat([self.words, words[:, None]], dim=1)
        scores, self.state = self.decoder.step(words, self.state)
        whole = self.decoder(self.memory, self.words, self.videos)[:, -1]
        torch.testing.assert_close(scores, whole, atol=1e-5, rtol=1e-5)

    def take(self, rows):
        self.videos, self.words = self.videos[rows], self.words[rows]

    def move(self, captions, beams, width):
        captions, beams = torch.tensor(captions), torch.tensor(beams)
        self.state = self.state.select_beams(captions, beams, width)
        self.take((captions[:, None] * width + beams).flatten())


@torch.no_grad()
def test_beams_that_split_move_and_leave_go_on_as_before():
    written = Written()
    written.step()
    written.move([0, 1, 2], [[0, 0, 0]] * 3, 1)
    written.step()
    written.move([0, 1, 2], [[2, 0, 0], [0, 1, 2], [1, 1, 1]], 3)
    written.step()
    written.move([0, 2], [[1, 2, 0], [2, 2, 0]], 3)
    written.step()
    written.move([0, 1], [[2, 1], [0, 1]], 3)
    written.step()
    written.move([1], [[1, 0, 1, 0]], 2)
    written.step()
    written.step()
    assert written.words.shape == (4, 7)


@torch.no_grad()
@pytest.mark.parametrize("rows", [[3, 5], [0, 0, 4, 2], [1]])
def test_rows_selected_out_of_beams_go_on_as_captions_of_their_own(rows):
    written = Written()
    written.step()
    written.move([0, 1, 2], [[0, 0]] * 3, 1)
    written.step()
    written.move([0, 1, 2], [[1, 0], [0, 0], [1, 1]], 2)
    written.step()
    written.state = written.state.select(torch.tensor(rows))
    written.take(rows)
    for _ in range(4):
        written.step()


@torch.no_grad()
def test_moving_beams_copies_neither_frames_nor_words():
    written = Written()
    written.move([0, 1, 2], [[0, 0]] * 3, 1)
    written.step()

    def blocks():
        return [block.data_ptr() for pair in written.state.words + written.state.memory for block in pair]

    before = blocks()
    written.move([0, 1, 2], [[1, 0], [1, 1], [0, 1]], 2)
    written.step()
    assert blocks() == before
    assert written.state.memory[0][0].size(0) == 3
    written.move([0, 2], [[1, 0], [0, 1]], 2)
    assert written.state.memory[0][0].size(0) == 2


@torch.no_grad()
def test_one_beam_needs_no_table():
    written = Written()
    written.step()
    written.move([0, 2], [[0], [0]], 1)
    assert written.state.ancestors is None
    written.step()
