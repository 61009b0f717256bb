"""Small language models for the tests of decoding."""

import functools

import torch

from stgraph.decoding import DecodingState
from stgraph.nn import CaptionTransformer
from stgraph.text import SpecialTokens

PAD, BOS, EOS, UNK = range(4)
TOKENS = SpecialTokens(PAD, BOS, EOS, UNK)


class Offsets(DecodingState):
    """A state that holds an offset of the scores per caption, and the number of words so far."""

    def __init__(self, offset, length=0, attention=None):
        self.offset, self.length = offset, length
        self.attention = attention

    def select(self, index):
        return Offsets(self.offset[index], self.length)


class Table:
    """A language model whose scores are a table by position and last word; ``sizes`` records the rows of each step."""

    def __init__(self, scores, attentive=False):
        scores = torch.as_tensor(
            scores, dtype=torch.float32
        )  # [V, V], or [L, V, V] for different scores at each position
        self.scores = scores if scores.dim() == 3 else scores.expand(20, -1, -1)
        self.sizes, self.attentive = [], attentive

    def start(self, offset):
        return Offsets(torch.as_tensor(offset, dtype=torch.float32))

    def step(self, tokens, state):
        self.sizes.append(len(tokens))
        attention = self.attention(tokens) if self.attentive else None
        scores = self.scores[state.length][tokens] + state.offset
        return scores, Offsets(state.offset, state.length + 1, attention)

    @staticmethod
    def attention(tokens):
        """Weights over three frames and two regions of each, as a function of the last word."""
        frames = torch.arange(1.0, 4.0) ** tokens[:, None]
        regions = torch.stack([frames, 1 + frames.flip(1)], dim=-1)
        return {
            "frames": frames / frames.sum(1, keepdim=True),
            "regions": regions / regions.sum(-1, keepdim=True),
        }

    def next_log_probs(self, offset):
        offset = torch.as_tensor(offset, dtype=torch.float32)
        rows = (self.scores + offset).log_softmax(-1).tolist()
        return lambda words: rows[len(words)][words[-1] if words else BOS]


def random_table(vocab_size, seed, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    return Table(spread * torch.randn(8, vocab_size, vocab_size, generator=generator))


class Writer:
    """A Transformer with random weights, and its videos; the last one has fewer frames."""

    def __init__(self, vocab_size=7, videos=3, seed=0, sharpness=4.0):
        torch.manual_seed(seed)
        self.decoder = CaptionTransformer(vocab_size, 16, num_heads=2, feedforward_channels=32).eval()
        with torch.no_grad():
            self.decoder.lm_head.weight *= sharpness
        self.mask = torch.ones(videos, 4, dtype=torch.bool)
        self.mask[-1, 2:] = False
        self.frames = 3 * torch.randn(videos, 4, 16)

    @torch.no_grad()
    def start(self, videos, max_length):
        videos = torch.as_tensor(videos)
        return self.decoder.start(self.decoder.encode(self.frames[videos], self.mask[videos]), max_length)

    def next_log_probs(self, video):
        memory = self.decoder.encode(self.frames[video : video + 1], self.mask[video : video + 1])

        @functools.cache
        def of(words):
            with torch.no_grad():
                logits = self.decoder(memory, torch.tensor([[BOS, *words]]), torch.tensor([0]))
            return logits[0, -1].log_softmax(0).tolist()

        return lambda words: of(tuple(words))
