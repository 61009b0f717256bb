import math

import torch
from torch import nn

from stgraph.nn import CaptionTransformer, SinusoidalPositions, pad_frames


def make(vocab_size=30, channels=16):
    torch.manual_seed(0)
    return CaptionTransformer(vocab_size, channels, num_heads=4, feedforward_channels=32).eval()


def inputs():
    torch.manual_seed(1)
    mask = torch.tensor([[True] * 5, [True, True, True, False, False]])
    return torch.randn(2, 5, 16), mask, torch.randint(4, 30, (3, 6)), torch.tensor([1, 0, 1])


def copy_attention(ours, theirs):
    theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
    theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
    theirs.out_proj.weight.copy_(ours.out.weight), theirs.out_proj.bias.copy_(ours.out.bias)


def copy_rest(ours, theirs):
    for number, norm in enumerate(ours.norms, start=1):
        getattr(theirs, f"norm{number}").load_state_dict(norm.state_dict())
    theirs.linear1.load_state_dict(ours.feedforward[0].state_dict())
    theirs.linear2.load_state_dict(ours.feedforward[3].state_dict())


@torch.no_grad()
def test_equals_torch_nn_transformer_with_our_weights():
    ours = make()
    theirs = nn.Transformer(16, 4, 2, 2, 32, dropout=0.0, batch_first=True).eval()
    theirs.encoder.norm = theirs.decoder.norm = nn.Identity()  # post-norm layers need no further one
    for mine, other in zip(ours.encoder_layers, theirs.encoder.layers, strict=True):
        copy_attention(mine.attention, other.self_attn), copy_rest(mine, other)
    for mine, other in zip(ours.decoder_layers, theirs.decoder.layers, strict=True):
        copy_attention(mine.self_attention, other.self_attn)
        copy_attention(mine.cross_attention, other.multihead_attn)
        copy_rest(mine, other)
    frames, mask, tokens, video = inputs()
    words = ours.positions(ours.embedding(tokens) * math.sqrt(16))
    causal = nn.Transformer.generate_square_subsequent_mask(6)
    memory = theirs.encoder(ours.positions(frames), src_key_padding_mask=~mask)
    out = theirs.decoder(words, memory[video], tgt_mask=causal, memory_key_padding_mask=~mask[video])
    expected = ours.lm_head(out)
    torch.testing.assert_close(ours(ours.encode(frames, mask), tokens, video), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_steps_with_the_cache_equal_the_whole_sentence():
    decoder = make()
    frames, mask, tokens, _ = inputs()
    memory, tokens = decoder.encode(frames, mask), tokens[:2]
    whole = decoder(memory, tokens, torch.arange(2))
    state, steps = decoder.start(memory, 6), []
    for position in range(6):
        scores, state = decoder.step(tokens[:, position], state)
        steps.append(scores)
    torch.testing.assert_close(torch.stack(steps, 1), whole, atol=1e-5, rtol=1e-5)


def test_captions_in_the_order_of_their_videos_have_the_scores_and_gradients_of_any_order():
    decoder = make()
    frames, mask, _, _ = inputs()
    tokens, order = torch.randint(4, 30, (6, 5)), torch.tensor([0, 3, 1, 4, 2, 5])
    video = torch.tensor([0, 0, 0, 1, 1, 1])
    found = []
    for chosen in (torch.arange(6), order):
        leaf = frames.clone().requires_grad_()
        logits = decoder(decoder.encode(leaf, mask), tokens[chosen], video[chosen])[chosen.argsort()]
        weighted = (logits * torch.arange(logits.numel()).view_as(logits).cos()).sum()
        found.append((logits, *torch.autograd.grad(weighted, [leaf, *decoder.decoder_layers.parameters()])))
    for in_order, mixed in zip(*found, strict=True):
        torch.testing.assert_close(in_order, mixed, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_padded_frames_change_nothing():
    decoder = make()
    frames, mask, tokens, _ = inputs()
    other = frames.clone()
    other[1, 3:] = 100.0
    video = torch.zeros(3, dtype=torch.long) + 1
    long = decoder(decoder.encode(other, mask), tokens, video)
    short = decoder(decoder.encode(frames[1:, :3], mask[1:, :3]), tokens, video - 1)
    torch.testing.assert_close(long, short, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_selected_captions_go_on_as_before():
    decoder = make()
    frames, mask, tokens, _ = inputs()
    memory = decoder.encode(frames, mask)
    _, state = decoder.step(tokens[:2, 0], decoder.start(memory, 4))
    both, _ = decoder.step(tokens[:2, 1], state.select(torch.tensor([0, 1])))
    one, _ = decoder.step(tokens[1:2, 1], state.select(torch.tensor([1])))
    torch.testing.assert_close(one, both[1:], atol=1e-6, rtol=1e-5)


def test_positions_are_the_published_sines():
    out = SinusoidalPositions(6)(torch.zeros(1, 4, 6), start=2)[0]
    for row, position in enumerate(range(2, 6)):
        for pair in range(3):
            angle = position / 10000 ** (2 * pair / 6)
            assert math.isclose(out[row, 2 * pair], math.sin(angle), abs_tol=1e-6)
            assert math.isclose(out[row, 2 * pair + 1], math.cos(angle), abs_tol=1e-6)


def test_pad_frames_places_rows_and_marks_them():
    rows = torch.arange(1.0, 7.0)[:, None]
    padded, mask = pad_frames(rows, torch.tensor([1, 3, 2]))
    assert padded[..., 0].tolist() == [[1, 0, 0], [2, 3, 4], [5, 6, 0]]
    assert mask.tolist() == [[True, False, False], [True] * 3, [True, True, False]]


def test_every_parameter_learns():
    decoder = make().train()
    frames, mask, tokens, video = inputs()
    decoder(decoder.encode(frames, mask), tokens, video).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in decoder.parameters())
