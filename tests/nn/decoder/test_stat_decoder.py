from dataclasses import replace

import pytest
import torch

from stgraph.errors import DataError
from tests.nn.attention.test_stat_attention import stat_weights
from tests.nn.decoder.captions import NUM_WORDS, memory, stat
from tests.nn.decoder.test_gate_dropout_lstm_cell import cell_weights
from tests.reference.stat import caption

TOKENS = torch.randint(4, NUM_WORDS, (4, 4), generator=torch.Generator().manual_seed(0))


def decoder_weights(decoder):
    """Weights of the decoder, named as in the oracle."""
    weights = stat_weights(decoder.attention)
    parts = {
        "h0": decoder.first_hidden,
        "c0": decoder.first_cell,
        "_o": decoder.hidden_out,
        "_z": decoder.context_out,
        "_v": decoder.lm_head,
    }
    for name, part in parts.items():
        matrix, bias = (name, f"{name}_b") if name[0] != "_" else (f"W{name}", f"b{name}")
        weights |= {matrix: part.weight.detach(), bias: part.bias.detach()}
    return weights | {"lstm": cell_weights(decoder.cell)}


ROWS = [("global", "motion", "local"), ("global", "motion"), ("global",), ("motion", "local"), ("local",)]


@torch.no_grad()
@pytest.mark.parametrize("streams", ROWS)
def test_equals_the_formulas(streams):
    decoder = stat(streams)
    videos, found = memory(([3, 1, 2, 2], [2, 0, 3], [1], [1, 0, 0, 2, 1]))
    out = decoder(found, TOKENS, torch.arange(4))
    for p, video in enumerate(videos):
        rows = {
            "global": found.frames[p, : len(video)].unbind(),
            "motion": found.motion[p, : len(video)].unbind(),
        }
        rows = {"local": video, **rows}
        first = video if streams[0] == "local" else [rows[streams[0]]]
        mean = torch.stack([x for frame in first for x in frame]).mean(0)
        words = [torch.zeros(6).double(), *decoder.embedding(TOKENS[p, 1:])]
        expected, maps = caption(words, {z: list(rows[z]) for z in streams}, decoder_weights(decoder), mean)
        torch.testing.assert_close(out.logits[p], expected)
        for z in streams:
            seen = torch.tensor([word[z] for word in maps]).double()
            torch.testing.assert_close(out.attention[z][p][:, : len(video)], seen)


@torch.no_grad()
def test_the_first_word_is_a_zero_vector_whatever_its_mark():
    decoder, (_, found) = stat(), memory()
    other = TOKENS.clone()
    other[:, 0] = (TOKENS[:, 0] + 1) % NUM_WORDS
    torch.testing.assert_close(*(decoder(found, t, torch.arange(4)).logits for t in (TOKENS, other)))


@torch.no_grad()
def test_dropout_is_in_training_alone():
    decoder, (_, found) = stat(dropout=0.5), memory()
    torch.testing.assert_close(
        decoder(found, TOKENS, torch.arange(4)).logits, stat()(found, TOKENS, torch.arange(4)).logits
    )
    decoder.train()
    first, second = (decoder(found, TOKENS, torch.arange(4)).logits for _ in range(2))
    assert (first - second).abs().max() > 0.1


def test_missing_streams_are_named():
    _, found = memory()
    for stream, changes in (
        ("frames", {"frames": None}),
        ("motion", {"motion": None}),
        ("regions", {"regions": None, "region_mask": None}),
    ):
        with pytest.raises(DataError, match=f"needs '{stream}', but these videos have none"):
            stat()(replace(found, **changes), TOKENS, torch.arange(4))
