from dataclasses import replace

import pytest
import torch

from stgraph.errors import DataError
from stgraph.nn import VideoMemory
from tests.nn.attention.test_branch_combination import combination_weights
from tests.nn.attention.test_ranked_attention import lstm_weights
from tests.nn.attention.videos import WITH_REGIONS, attention_weights
from tests.nn.decoder.captions import NUM_WORDS, memory, stats
from tests.reference import stats as oracle

TOKENS = torch.randint(4, NUM_WORDS, (4, 4), generator=torch.Generator().manual_seed(0))


def cell_weights(cell):
    """Weights of the gates by name; torch stacks them in the order i, f, g, o."""
    parts = zip(
        cell.weight_ih.chunk(4), cell.weight_hh.chunk(4), (cell.bias_ih + cell.bias_hh).chunk(4), strict=True
    )
    return dict(zip("ifgo", parts, strict=True))


def decoder_weights(decoder):
    """Weights of the decoder, named as in the oracle."""
    words = decoder.self_attention
    keys, values = words.key_value.weight.chunk(2)
    key_bias, value_bias = words.key_value.bias.chunk(2)
    return {
        "hidden": decoder.hidden_channels,
        "words": {
            "Q": words.query.weight,
            "q": words.query.bias,
            "K": keys,
            "k": key_bias,
            "V": values,
            "v": value_bias,
            "O": words.out.weight,
            "o": words.out.bias,
        },
        "lstm": cell_weights(decoder.cell),
        "W": decoder.lm_head.weight,
        "b": decoder.lm_head.bias,
    }


def sees(attention, video):
    """x-hat of one video for a language state, computed in loops."""
    st, ts = attention.spatio_temporal, attention.temporo_spatial

    def see(state):
        frames, _ = oracle.within_frames(state, video, attention_weights(st.spatial.attention))
        last = oracle.read_by_lstm(frames, lstm_weights(st.pool.pool.read.lstm))
        both = torch.cat([oracle.mean(frames), last])
        first = st.pool.join.weight @ both + st.pool.join.bias
        second = oracle.temporo_spatial(
            state, video, attention_weights(ts.frames), attention_weights(ts.regions)
        )
        return oracle.combine(state, first, second, combination_weights(attention.combination))

    return see


@torch.no_grad()
@pytest.mark.parametrize("category", [False, True])
def test_equals_the_formulas(category):
    decoder = stats(3 if category else 0)
    videos, found = memory(WITH_REGIONS, category)
    out = decoder(found, TOKENS, torch.arange(4))
    for p, video in enumerate(videos):
        words = list(decoder.embedding(TOKENS[p]))
        kind = [found.category[p]] if category else []
        see = sees(decoder.attention, video)
        expected = oracle.caption(words, see, decoder_weights(decoder), kind)
        torch.testing.assert_close(out.logits[p], expected)


@torch.no_grad()
def test_without_regions_each_frame_is_its_only_region():
    decoder, (_, found) = stats(), memory()
    frames = replace(found, regions=None, region_mask=None)
    single = VideoMemory(found.mask, regions=found.frames[:, :, None], region_mask=found.mask[..., None])
    outs = [decoder(videos, TOKENS, torch.arange(4)) for videos in (frames, single)]
    torch.testing.assert_close(outs[0].logits, outs[1].logits)
    assert outs[0].masks["ts_regions"].sum(-1).tolist() == found.mask.long().tolist()


@torch.no_grad()
def test_regions_of_padded_frames_are_not_real():
    decoder, (_, found) = stats(), memory()
    careless = replace(found, region_mask=found.region_mask | ~found.mask[..., None])
    torch.testing.assert_close(*(decoder(m, TOKENS, torch.arange(4)).logits for m in (found, careless)))


def test_wrong_memory_is_named():
    _, found = memory()
    with pytest.raises(DataError, match="'category' must be given for this model, got None"):
        stats(3)(found, TOKENS, torch.arange(4))
    with pytest.raises(DataError, match=r"'category' must be None for this model, got \[4, 3\]"):
        stats()(memory(category=True)[1], TOKENS, torch.arange(4))
    with pytest.raises(DataError, match="needs 'frames'"):
        stats()(VideoMemory(found.mask, motion=found.motion), TOKENS, torch.arange(4))
