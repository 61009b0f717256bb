"""Properties of decoding that hold for all three systems."""

import pytest
import torch

from stgraph.decoding import BeamSearch, Greedy, Sampling
from tests.decoding.models import BOS, EOS, TOKENS
from tests.decoding.systems import COUNTS, SYSTEMS, next_log_probs, system, videos
from tests.decoding.test_beam import WORDS, check, words_of
from tests.reference.beam import exhaustive_search
from tests.reference.cross_attention import frame_weights
from tests.reference.graph_options import pool_weights

WAYS = {
    "greedy": Greedy(),
    "beam": BeamSearch(4, captions_per_video=3),
    "sample": Sampling(temperature=1.5, seed=3, captions_per_video=2),
}
ways = pytest.mark.parametrize("way", WAYS)
systems = pytest.mark.parametrize("name", SYSTEMS)


@systems
def test_a_wide_enough_beam_is_exhaustive_search(name):
    model = system(name, vocab_size=7, max_length=4)
    said, log_probs = set(), {video: next_log_probs(model, name, video, WORDS[1:], 3) for video in COUNTS}
    for penalty in (0.0, 0.8):
        # 27 beginnings of three words, each continued by four.
        wide = BeamSearch(108, length_penalty=penalty, captions_per_video=20)
        found = model.generate(videos(COUNTS), TOKENS, name, decoding=wide)
        for row, video in enumerate(COUNTS):
            options = {"vocabulary": WORDS, "eos": EOS, "max_length": 4, "length_penalty": penalty}
            expected = exhaustive_search(log_probs[video], **options)[:20]
            check(found, expected, log_probs[video], 20 * row)
            said.add(tuple(tuple(words) for _, words in expected))
    assert len(said) > 5


@systems
def test_captions_of_beams_are_likelier_than_greedy_ones(name):
    batch, gains = videos(COUNTS), []
    for seed in range(3):
        model = system(name, seed=seed)
        sums = {
            way.method: model.generate(batch, TOKENS, name, decoding=way).log_probs.sum(1)
            for way in (Greedy(), BeamSearch())
        }
        gains += (sums["beam"] - sums["greedy"]).tolist()
    assert sum(gains) / len(gains) > 0.1
    assert sum(gain > 0.01 for gain in gains) > 4 * sum(gain < -0.01 for gain in gains)


@systems
@ways
@pytest.mark.parametrize(
    "order", [("elk", "cat", "ant", "bee", "dog"), ("dog",), ("bee", "ant"), ("cat",) * 3]
)
def test_batch_order_and_batch_size_change_nothing(name, way, order):
    model, each = system(name, seed=2), WAYS[way].captions_per_video
    how = {"decoding": WAYS[way], "attention": True}
    together, found = (
        model.generate(videos(COUNTS), TOKENS, name, **how),
        model.generate(videos(order), TOKENS, name, **how),
    )
    assert len({tuple(words_of(row)) for row in together.tokens}) > 1
    for place, video in enumerate(order):
        for number in range(each):
            mine, theirs = place * each + number, list(COUNTS).index(video) * each + number
            assert torch.equal(found.tokens[mine], together.tokens[theirs])
            torch.testing.assert_close(
                found.log_probs[mine], together.log_probs[theirs], atol=1e-5, rtol=1e-5
            )
            frames = len(COUNTS[video])
            looked, expected = found.attention_of(mine, frames), together.attention_of(theirs, frames)
            assert looked.keys() == expected.keys() != set()
            for which, weights in looked.items():
                assert weights.shape[:2] == (len(words_of(found.tokens[mine])), expected[which].size(1))
                torch.testing.assert_close(weights, expected[which], atol=1e-5, rtol=1e-5)


@systems
@ways
def test_asking_for_attention_changes_no_caption(name, way):
    model, how = system(name), {"decoding": WAYS[way]}
    plain = model.generate(videos(COUNTS), TOKENS, name, **how)
    asked = model.generate(videos(COUNTS), TOKENS, name, **how, attention=True)
    assert torch.equal(plain.tokens, asked.tokens)
    assert torch.equal(plain.log_probs, asked.log_probs)
    assert (plain.attention, plain.masks, plain.attention_of(0, 4)) == ({}, {}, {})


def captions_of(found, each):
    """Rows that hold a caption, with their videos and words."""
    for row, tokens in enumerate(found.tokens):
        if words := words_of(tokens):
            yield row, list(COUNTS)[row // each], words


@pytest.mark.parametrize("name", ["scene", "object"])
@ways
@torch.no_grad()
def test_a_transformers_words_look_at_the_frames_of_their_own_sentence(name, way):
    model, each = system(name), WAYS[way].captions_per_video
    found = model.generate(videos(COUNTS), TOKENS, name, decoding=WAYS[way], attention=True)
    decoder = model.decoders[name]
    last = decoder.decoder_layers[-1].cross_attention

    def halves(values):
        return values.chunk(2)[0].tolist()

    parameters = {
        "W_q": last.query.weight.tolist(),
        "b_q": last.query.bias.tolist(),
        "W_k": halves(last.key_value.weight),
        "b_k": halves(last.key_value.bias),
    }
    uneven = []
    for row, video, words in captions_of(found, each):
        # Queries of the last cross attention, from the whole sentence and the video alone.
        queries, batch = [], videos([video])
        hook = last.register_forward_pre_hook(lambda _, given: queries.append(given[0][0].tolist()))  # noqa: B023
        model(batch, torch.tensor([[BOS, *words[:-1]]]), torch.tensor([0]))
        hook.remove()
        frames = model.encode(batch, name).frames[0].tolist()
        expected = torch.tensor(frame_weights(queries[0], frames, parameters, last.num_heads))
        looked = found.attention_of(row, len(frames))
        torch.testing.assert_close(looked["frames"], expected, atol=1e-5, rtol=1e-4)
        assert found.attention["frames"][row, len(words) :].abs().sum() == 0
        assert found.attention["frames"][row, :, len(frames) :].abs().sum() == 0
        uneven.append((expected.max() - 1 / len(frames)).item())
    assert max(uneven) > 0.1


@pytest.mark.parametrize(("name", "branches"), [("object", ("scene", "object")), ("joint", ("joint",))])
@torch.no_grad()
def test_pooled_objects_have_their_weight_in_the_pool(name, branches):
    model = system("object", branches=branches)
    found = model.generate(videos(COUNTS), TOKENS, name, decoding=WAYS["beam"], attention=True)
    encoder, expected = model.encoders["object"], {}
    pool = encoder.pool
    for video, counts in COUNTS.items():
        graph = videos([video])
        nodes = encoder.nodes(graph.x, graph.edge_index, graph.edge_weight)
        expected[video] = torch.zeros(len(counts), max(counts))
        for frame, count in enumerate(counts):
            own = nodes[graph.frame == frame]
            weights = pool_weights(own, pool.hidden.weight, pool.hidden.bias, pool.score.weight[0])
            expected[video][frame, :count] = torch.tensor(weights)
    for row, video, words in captions_of(found, 3):
        looked = found.attention_of(row, len(COUNTS[video]))["regions"]
        torch.testing.assert_close(looked, expected[video].expand(len(words), -1, -1), atol=1e-5, rtol=1e-4)
        assert found.attention["regions"][row, len(words) :].abs().sum() == 0


def test_there_are_no_regions_without_attention_over_them():
    assert set(system("scene").generate(videos(COUNTS), TOKENS, attention=True).attention) == {"frames"}
    model = system("object", pool="mean")
    assert set(model.generate(videos(COUNTS), TOKENS, "object", attention=True).attention) == {"frames"}


@pytest.mark.parametrize("name", ["stat", "stats"])
@ways
@torch.no_grad()
def test_a_recurrent_models_words_look_where_their_own_sentence_does(name, way):
    model, each = system(name, seed=1), WAYS[way].captions_per_video
    found = model.generate(videos(COUNTS), TOKENS, name, decoding=WAYS[way], attention=True)
    names = {"stat": {"global", "motion", "local", "regions"}}
    names["stats"] = {"st_regions", "ts_frames", "ts_regions", "branches"}
    for row, video, words in captions_of(found, each):
        whole = model.teacher_forced(
            videos([video]), torch.tensor([[BOS, *words[:-1]]]), torch.tensor([0])
        ).attention
        looked = found.attention_of(row, len(COUNTS[video]))
        assert looked.keys() == whole.keys() == names[name]
        for which, weights in looked.items():
            places = weights.size(-1)  # a video alone has one padded region even if it has no box
            torch.testing.assert_close(weights, whole[which][0][..., :places], atol=1e-5, rtol=1e-4)
            assert whole[which][0][..., places:].abs().sum() == 0
