import math

import pytest
import torch
from scipy.stats import chisquare, kstest

from stgraph.decoding import Sampling, draw_words
from stgraph.decoding.sampling import random_streams
from stgraph.errors import OptionError
from tests.decoding.models import BOS, EOS, PAD, TOKENS, UNK, Table, Writer, random_table

ZEROS = [0.0] * 7
PROBABILITIES = torch.tensor([0.05, 0.3, 0.1, 0.35, 0.2])


def draws(many=4000, **options):
    """Words drawn from ``PROBABILITIES`` by evenly spread numbers, so that frequencies equal probabilities."""
    uniform = (torch.arange(many).double() + 0.5) / many
    words = draw_words(PROBABILITIES.log().expand(many, -1), uniform, **options)
    return torch.bincount(words, minlength=5) / many


def test_words_come_as_often_as_they_are_likely():
    table, many = random_table(7, 1, spread=1.0), 3000
    found = Sampling(seed=5).decode(table, table.start([ZEROS] * many), many, TOKENS, max_length=2)
    allowed = torch.tensor([EOS, 4, 5, 6])
    scores = table.scores[0, BOS, allowed]
    first = torch.bincount(found.tokens[:, 0], minlength=7)[allowed]
    assert chisquare(first.numpy(), many * scores.double().softmax(0).numpy()).pvalue > 0.01
    # The second word uses another random number: after each first word it follows its own distribution.
    after = found.tokens[found.tokens[:, 0] == 4, 1]
    scores = table.scores[1, 4, allowed]
    second = torch.bincount(after, minlength=7)[allowed]
    assert chisquare(second.numpy(), len(after) * scores.double().softmax(0).numpy()).pvalue > 0.01
    hot = Sampling(temperature=3.0, seed=5)
    heated = hot.decode(table, table.start([ZEROS] * many), many, TOKENS, max_length=1)
    count = torch.bincount(heated.tokens[:, 0], minlength=7)[allowed]
    expected = (table.scores[0, BOS, allowed].double() / 3).softmax(0)
    assert chisquare(count.numpy(), many * expected.numpy()).pvalue > 0.01
    assert chisquare(count.numpy(), first.numpy() * count.sum().item() / first.sum().item()).pvalue < 1e-6


def test_log_probs_are_the_models_whatever_the_temperature():
    writer = Writer(vocab_size=12)
    for options in ({}, {"temperature": 0.5, "top_k": 3}):
        found = Sampling(**options).decode(writer.decoder, writer.start([0, 1], 5), 2, TOKENS, max_length=5)
        for video in range(2):
            model, words = writer.next_log_probs(video), []
            for word, log_prob in zip(found.tokens[video].tolist(), found.log_probs[video].tolist()):
                expected = model(words)[word] if word else 0.0
                assert math.isclose(log_prob, expected, abs_tol=1e-5)
                words.append(word)


def test_cuts_leave_the_right_words():
    whole = PROBABILITIES
    torch.testing.assert_close(draws(), whole, atol=1e-3, rtol=0)
    squared = whole**2 / (whole**2).sum()
    torch.testing.assert_close(draws(temperature=0.5), squared, atol=1e-3, rtol=0)
    two = torch.tensor([0, 0.3, 0, 0.35, 0]) / 0.65
    torch.testing.assert_close(draws(top_k=2), two, atol=1e-3, rtol=0)
    # .35 + .30 hold less than .7, so the third likeliest, .20, is kept; they suffice for .64.
    three = torch.tensor([0, 0.3, 0, 0.35, 0.2]) / 0.85
    torch.testing.assert_close(draws(top_p=0.7), three, atol=1e-3, rtol=0)
    torch.testing.assert_close(draws(top_p=0.64), two, atol=1e-3, rtol=0)
    torch.testing.assert_close(draws(top_p=0.01), torch.tensor([0, 0, 0, 1.0, 0]))
    torch.testing.assert_close(draws(top_p=1.0), whole, atol=1e-3, rtol=0)
    torch.testing.assert_close(draws(top_k=9), whole, atol=1e-3, rtol=0)
    # After top_k=3 the likeliest holds 7/17 = .41 of the rest; without the cut its .35 would not reach .4.
    torch.testing.assert_close(draws(top_k=3, top_p=0.4), torch.tensor([0, 0, 0, 1.0, 0]))
    # Temperature is applied before the nucleus: squared, the two likeliest hold (.1225 + .09) / .265 = .80.
    torch.testing.assert_close(
        draws(temperature=0.5, top_p=0.79), torch.tensor([0, 0.09, 0, 0.1225, 0]) / 0.2125, atol=1e-3, rtol=0
    )


def test_of_equal_words_the_first_are_left():
    uniform = (torch.arange(100).double() + 0.5) / 100
    words = draw_words(torch.zeros(100, 5), uniform, top_k=2)
    assert set(words.tolist()) == {0, 1}


def test_ends_of_the_unit_interval_draw_allowed_words():
    scores = torch.tensor([[-torch.inf, 0.0, 1.0, -torch.inf]]).expand(2, -1)
    ends = torch.tensor([0.0, 1.0 - 2**-53], dtype=torch.float64)
    assert draw_words(scores, ends).tolist() == [1, 2]
    assert draw_words(scores, ends, top_p=0.99).tolist() == [2, 1]  # sorted by probability there


@pytest.mark.parametrize("shape", [(4, 2, 0, 1, 3), (3,), (1, 0)])
@pytest.mark.parametrize("options", [{}, {"temperature": 1.5, "top_p": 0.9, "captions_per_video": 3}])
def test_batch_order_and_batch_size_change_nothing(shape, options):
    writer, ids = Writer(vocab_size=20, videos=5), list("abcde")
    sampling = Sampling(seed=3, **options)
    samples = sampling.captions_per_video
    together = sampling.decode(writer.decoder, writer.start(range(5), 8), 5, TOKENS, max_length=8, keys=ids)
    keys = [ids[video] for video in shape]
    start = writer.start(shape, 8)
    found = sampling.decode(writer.decoder, start, len(shape), TOKENS, max_length=8, keys=keys)
    for place, video in enumerate(shape):
        mine = slice(samples * place, samples * (place + 1))
        theirs = slice(samples * video, samples * (video + 1))
        assert torch.equal(found.tokens[mine], together.tokens[theirs])
        torch.testing.assert_close(found.log_probs[mine], together.log_probs[theirs], atol=1e-5, rtol=0)


def test_seeds_samples_and_keys_draw_other_captions():
    writer = Writer(vocab_size=40, sharpness=1.0)

    def write(keys=None, **options):
        start = writer.start([0, 0], 8)
        return Sampling(**options).decode(writer.decoder, start, 2, TOKENS, max_length=8, keys=keys).tokens

    assert torch.equal(write(), write(keys=[0, 1]))
    assert torch.equal(write(seed=1), write(seed=1))
    captions = [*write(captions_per_video=4), *write(seed=1), *write(keys=["x", "y"])]
    assert len({tuple(caption.tolist()) for caption in captions}) == 12
    with pytest.raises(OptionError, match="'keys' must be one per caption, 2, got 3"):
        write(keys=["a", "b", "c"])


def test_streams_are_uniform_and_each_its_own():
    streams = random_streams(range(200), 2, 20, seed=0)
    assert len({tuple(row) for row in streams.tolist()}) == 400
    assert kstest(streams.flatten().numpy(), "uniform").pvalue > 0.01
    assert abs(torch.corrcoef(streams[:, :2].T)[0, 1]) < 0.15
    assert not torch.equal(streams, random_streams(range(200), 2, 20, seed=1))


def test_suppressed_words_never_come_finished_captions_leave_and_long_ones_are_cut():
    scores = torch.zeros(7, 7)
    scores[:, [PAD, BOS, UNK]] = 9.0
    table = Table(scores)
    many = Sampling().decode(table, table.start([ZEROS] * 300), 300, TOKENS, max_length=3)
    used = torch.bincount(many.tokens.flatten(), minlength=7)
    assert used[[BOS, UNK]].tolist() == [0, 0]
    assert (used[[EOS, 4, 5, 6]] > 50).all()
    for row, log_probs in zip(many.tokens.tolist(), many.log_probs):
        end = row.index(EOS) + 1 if EOS in row else 3
        assert row[end:] == [0] * (3 - end)
        assert 0 not in row[:end]
        assert (log_probs[end:] == 0).all()
    assert table.sizes[0] == 300
    assert table.sizes[1] == int((many.tokens[:, 0] != EOS).sum())
    assert table.sizes[2] == int((many.tokens[:, 2] != 0).sum())


def test_attention_stands_beside_each_word():
    table = random_table(7, 3)
    table.attentive = True
    sampling = Sampling(captions_per_video=2)
    found = sampling.decode(table, table.start([ZEROS] * 4), 4, TOKENS, max_length=5, attention=True)
    for row, tokens in enumerate(found.tokens.tolist()):
        words = [word for word in tokens if word]
        expected = Table.attention(torch.tensor([BOS, *words[:-1]]))
        for name, weights in found.attention.items():
            torch.testing.assert_close(weights[row, : len(words)], expected[name])
            assert (weights[row, len(words) :] == 0).all()
