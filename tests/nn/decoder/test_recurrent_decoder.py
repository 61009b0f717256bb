"""Properties that both recurrent language models share."""

from dataclasses import replace

import pytest
import torch

from stgraph.decoding import BeamSearch, Greedy
from stgraph.errors import OptionError, ShapeError
from stgraph.text import SpecialTokens
from tests.nn.decoder.captions import NUM_WORDS, alone, memory, stat, stats

MODELS = {"stat": stat, "stats": stats}
TOKENS = torch.randint(4, NUM_WORDS, (6, 5), generator=torch.Generator().manual_seed(0))
VIDEO = torch.tensor([0, 3, 3, 1, 2, 0])


@pytest.fixture(params=MODELS)
def make(request):
    return MODELS[request.param]


def close(ours, other):
    torch.testing.assert_close(ours, other, atol=1e-10, rtol=1e-8)


@torch.no_grad()
def test_steps_equal_teacher_forcing(make):
    decoder, (_, found) = make(), memory()
    whole = decoder(found, TOKENS[:4], torch.arange(4))
    state = decoder.start(found, 5)
    for position in range(5):
        scores, state = decoder.step(TOKENS[:4, position], state)
        close(scores, whole.logits[:, position])
        assert state.attention.keys() == whole.attention.keys() == whole.masks.keys()
        for name, seen in state.attention.items():
            close(seen, whole.attention[name][:, position])
        if whole.ranking is not None:
            close(state.ranking, whole.ranking[:, position])
    assert whole.logits.std() > 0.1


@torch.no_grad()
def test_one_video_alone_equals_the_same_video_in_a_batch(make):
    decoder, (videos, found) = make(), memory()
    batch = decoder(found, TOKENS, VIDEO)
    for row, video in enumerate(VIDEO.tolist()):
        short = alone(found, video)
        out = decoder(short, TOKENS[row : row + 1], torch.tensor([0]))
        close(out.logits[0], batch.logits[row])
        for name, seen in out.attention.items():
            places = tuple(slice(size) for size in seen.shape[2:])
            close(seen[0], batch.attention[name][row][(slice(None), *places)])
            # Padded places get no weight.
            assert batch.attention[name][row][:, ~batch.masks[name][row]].abs().sum() == 0
        if out.ranking is not None:
            pairs = len(videos[video]) - 1
            real = out.ranking_mask[0]
            close(out.ranking[0][:, real], batch.ranking[row][:, :pairs][:, real])
            assert batch.ranking_mask[row].tolist()[:pairs] == real.tolist()
            assert not batch.ranking_mask[row, pairs:].any()


@torch.no_grad()
def test_what_stands_in_padded_places_changes_nothing(make):
    decoder, (_, found) = make(), memory()
    blank = replace(
        found,
        frames=found.frames.masked_fill(~found.mask[..., None], torch.nan),
        motion=found.motion.masked_fill(~found.mask[..., None], -7.0),
        regions=found.regions.masked_fill(~found.region_mask[..., None], torch.nan),
    )
    close(decoder(blank, TOKENS, VIDEO).logits, decoder(found, TOKENS, VIDEO).logits)


@torch.no_grad()
def test_a_caption_knows_only_earlier_words(make):
    decoder, (_, found) = make(), memory()
    other = TOKENS.clone()
    other[:, 3] = (TOKENS[:, 3] - 3) % 7 + 4
    before, after = decoder(found, TOKENS, VIDEO).logits, decoder(found, other, VIDEO).logits
    close(before[:, :3], after[:, :3])
    assert (before[:, 3] - after[:, 3]).abs().max() > 0.01


def test_every_parameter_learns_and_stays_finite_beside_a_video_without_regions(make):
    decoder, (_, found) = make().train(), memory()
    out = decoder(found, TOKENS, VIDEO)
    out.logits.log_softmax(-1).gather(2, TOKENS[..., None]).sum().backward()
    for name, parameter in decoder.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 1e-9, name


@torch.no_grad()
def test_selected_captions_go_on_as_before(make):
    decoder, (_, found) = make(), memory()
    _, state = decoder.step(TOKENS[:4, 0], decoder.start(found, 5))
    words = TOKENS[:4, 1]
    expected, _ = decoder.step(words, state)
    index = torch.tensor([3, 0, 0, 2, 1])
    repeated, later = decoder.step(words[index], state.select(index))
    close(repeated, expected[index])
    swapped = later.select(torch.tensor([0, 2, 1, 3, 4]))  # both captions of video 0 change places
    assert swapped.memory is later.memory
    close(decoder.step(words[index], swapped)[0][[0, 2, 1, 3, 4]], decoder.step(words[index], later)[0])
    close(decoder.step(words, state)[0], expected)  # steps leave an old state as it was


@torch.no_grad()
@pytest.mark.parametrize("method", [Greedy(), BeamSearch(3)], ids=["greedy", "beam"])
def test_captions_and_what_they_look_at_are_the_same_alone_and_in_a_batch(make, method):
    decoder, (_, found) = make(), memory()
    tokens, options = SpecialTokens(bos=2, eos=3, unk=1), {"max_length": 6, "attention": True}
    together = method.decode(decoder, decoder.start(found, 6), 4, tokens, **options)
    assert (together.log_probs - together.log_probs[0]).abs().amax(1)[1:].min() > 0.01
    for video in range(4):
        short = alone(found, video)
        single = method.decode(decoder, decoder.start(short, 6), 1, tokens, **options)
        assert single.tokens[0].tolist() == together.tokens[video].tolist()
        torch.testing.assert_close(single.log_probs[0], together.log_probs[video])
        for name, seen in single.attention.items():
            places = tuple(slice(size) for size in seen.shape[2:])
            torch.testing.assert_close(seen[0], together.attention[name][video][(slice(None), *places)])


@torch.no_grad()
@pytest.mark.parametrize("sampled_words", ["argmax", "sample"])
def test_without_a_teacher_the_model_goes_on_from_its_own_words(make, sampled_words):
    decoder, (_, found) = make(), memory()
    torch.manual_seed(4)
    out = decoder(found, TOKENS, VIDEO, teacher_forcing_ratio=0.0, sampled_words=sampled_words)
    if sampled_words == "argmax":
        fed = torch.cat([TOKENS[:, :1], out.logits.argmax(-1)[:, :-1]], 1)
        close(decoder(found, fed, VIDEO).logits, out.logits)
    else:
        torch.manual_seed(5)
        other = decoder(found, TOKENS, VIDEO, teacher_forcing_ratio=0.0)
        close(other.logits[:, 0], out.logits[:, 0])
        assert (other.logits[:, 1:] - out.logits[:, 1:]).abs().max() > 0.01


@torch.no_grad()
def test_teacher_ratio_is_the_share_of_given_words(make):
    decoder, (_, found) = make(), memory()
    fed = []
    advance = decoder.advance
    decoder.advance = lambda word, state: (fed.append(word), advance(word, state))[1]
    torch.manual_seed(0)
    tokens, video = TOKENS.repeat(60, 1), VIDEO.repeat(60)
    decoder(found, tokens, video, teacher_forcing_ratio=0.75)
    given = decoder.embed(tokens, 0).unbind(1)
    same = [(a == b).all(1).double().mean().item() for a, b in zip(fed, given, strict=True)]
    assert same[0] == 1.0
    # The word that the model chooses equals the given one in some places.
    assert all(0.70 < share < 0.88 for share in same[1:])


@torch.no_grad()
def test_full_teacher_ratio_draws_no_numbers(make):
    decoder, (_, found) = make(), memory()
    torch.manual_seed(0)
    decoder(found, TOKENS, VIDEO)
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.rand(1) == after


def test_wrong_input_is_named(make):
    decoder, (_, found) = make(), memory()
    with pytest.raises(OptionError, match="'teacher_forcing_ratio' must be in"):
        decoder(found, TOKENS, VIDEO, teacher_forcing_ratio=1.5)
    with pytest.raises(OptionError, match="'sampled_words' must be one of"):
        decoder(found, TOKENS, VIDEO, sampled_words="beam")
    with pytest.raises(ShapeError, match=r"'video' must be \[P=6\], got \[4\]"):
        decoder(found, TOKENS, VIDEO[:4])
