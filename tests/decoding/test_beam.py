import math

import pytest
import torch

from stgraph.decoding import BeamSearch, Greedy
from tests.decoding.models import BOS, EOS, PAD, TOKENS, UNK, Table, Writer, random_table
from tests.reference.beam import beam_search as slow_beam_search
from tests.reference.beam import exhaustive_search, log_probs_of

WORDS = (EOS, 4, 5, 6)
ZEROS = [0.0] * 7


def words_of(row):
    return [word for word in row.tolist() if word]


def check(found, expected, next_log_probs, first_row=0):
    """Asserts that rows from ``first_row`` on are the expected captions with the model's log-probabilities."""
    for row, (_, words) in enumerate(expected, start=first_row):
        assert words_of(found.tokens[row]) == words
        by_word = torch.tensor(log_probs_of(next_log_probs, words))
        torch.testing.assert_close(found.log_probs[row, : len(words)], by_word, atol=1e-4, rtol=1e-4)
        assert (found.log_probs[row, len(words) :] == 0).all()


@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_enough_beam_is_exhaustive_search(seed, length_penalty):
    options = {"max_length": 4, "length_penalty": length_penalty}
    wide = BeamSearch(
        108, length_penalty, captions_per_video=20
    )  # 27 beginnings of three words, each continued by four
    table, offsets = random_table(7, seed), [ZEROS, [0, 0, -1, 0, 1, 0, 2]]
    found = wide.decode(table, table.start(offsets), 2, TOKENS, max_length=4)
    for video, offset in enumerate(offsets):
        model = table.next_log_probs(offset)
        expected = exhaustive_search(model, vocabulary=WORDS, eos=EOS, **options)
        check(found, expected[:20], model, 20 * video)
    writer = Writer(seed=seed)
    found = wide.decode(writer.decoder, writer.start([0, 1, 2], 4), 3, TOKENS, max_length=4)
    for video in range(3):
        model = writer.next_log_probs(video)
        expected = exhaustive_search(model, vocabulary=WORDS, eos=EOS, **options)
        check(found, expected[:5], model, 20 * video)


@pytest.mark.parametrize("narrowing", [False, True])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("beam_size", [1, 2, 3, 5])
def test_is_the_definition_whatever_the_width(beam_size, length_penalty, narrowing):
    options = {
        "max_length": 5,
        "length_penalty": length_penalty,
        "beam_size": beam_size,
        "narrowing": narrowing,
    }
    best = min(beam_size, 2)
    search = BeamSearch(beam_size, length_penalty, best, narrowing)
    for seed in range(2):
        writer = Writer(seed=seed)
        found = search.decode(writer.decoder, writer.start([0, 1, 2], 5), 3, TOKENS, max_length=5)
        for video in range(3):
            model = writer.next_log_probs(video)
            expected = slow_beam_search(model, vocabulary=WORDS, eos=EOS, **options)
            check(found, expected[:best], model, best * video)


def test_beam_one_is_greedy():
    ends = 0
    for seed in range(10):
        writer = Writer(vocab_size=12, seed=seed)
        beam, plain = (
            method.decode(writer.decoder, writer.start([0, 1, 2], 6), 3, TOKENS, max_length=6)
            for method in (BeamSearch(1), Greedy())
        )
        assert torch.equal(beam.tokens, plain.tokens)
        torch.testing.assert_close(beam.log_probs, plain.log_probs, atol=1e-6, rtol=0)
        ends += int((plain.tokens == EOS).sum())
    assert 5 < ends < 25  # some end early, some are cut


def test_captions_are_likelier_than_greedy_ones():
    gains = []
    for seed in range(15):
        writer = Writer(vocab_size=30, seed=seed)
        plain, beam = (
            method.decode(writer.decoder, writer.start([0, 1, 2], 8), 3, TOKENS, max_length=8).log_probs.sum(
                1
            )
            for method in (Greedy(), BeamSearch())
        )
        gains += (beam - plain).tolist()
    assert sum(gains) / len(gains) > 0.3
    assert sum(gain > 1e-4 for gain in gains) > 10 * sum(gain < -1e-4 for gain in gains)


def test_length_penalty_worked_by_hand():
    # "4 end" has probability .6 x .5 = .30, "4 5 5 end" .6 x .5 x .8 x .8 = .192; its fourth root exceeds the square root
    # of .3.
    rows = [[1e-9] * 7 for _ in range(7)]
    rows[BOS][4], rows[BOS][6] = 0.6, 0.4
    places = [rows]
    for place in range(1, 4):
        after = [[1e-9] * 7 for _ in range(7)]
        after[4][EOS], after[4][5] = 0.5, 0.5
        after[5][EOS if place == 3 else 5], after[5][4] = 0.8, 0.2
        after[6][6], after[6][4] = 0.5, 0.5
        places.append(after)
    table = Table(torch.tensor(places).log())
    found = {}
    for penalty in (0.0, 0.5, 1.0):
        search = BeamSearch(4, penalty, captions_per_video=2)
        answer = search.decode(table, table.start([ZEROS]), 1, TOKENS, max_length=4)
        found[penalty] = [words_of(row) for row in answer.tokens]
        sums = answer.log_probs.double().sum(1).exp()
        for words, probability in zip(found[penalty], sums.tolist(), strict=True):
            assert math.isclose(probability, {2: 0.3, 4: 0.192}[len(words)], rel_tol=1e-5)
    short, long = [4, EOS], [4, 5, 5, EOS]
    # .30 against .192: log -1.204 / 2^a against -1.650 / 4^a; even at a = log2(1.371) = .455.
    assert found == {0.0: [short, long], 0.5: [long, short], 1.0: [long, short]}


@pytest.mark.parametrize("shape", [(0, 1, 2, 3, 4), (4, 2, 0, 1, 3), (3,), (1, 0), (2, 2, 2)])
def test_batch_order_and_batch_size_change_nothing(shape):
    writer = Writer(vocab_size=20, videos=5)
    search = BeamSearch(captions_per_video=3)
    together = search.decode(writer.decoder, writer.start(range(5), 8), 5, TOKENS, max_length=8)
    found = search.decode(writer.decoder, writer.start(shape, 8), len(shape), TOKENS, max_length=8)
    for place, video in enumerate(shape):
        mine, theirs = slice(3 * place, 3 * place + 3), slice(3 * video, 3 * video + 3)
        assert torch.equal(found.tokens[mine], together.tokens[theirs])
        torch.testing.assert_close(found.log_probs[mine], together.log_probs[theirs], atol=1e-5, rtol=0)


def test_finished_captions_leave_the_batch():
    scores = torch.full((7, 7), -9.0)
    scores[:, 4], scores[:, 5] = 2.0, 0.0
    hurried = [0, 0, 20.0, 0, 0, 0, 0]
    table = Table(scores)
    found = BeamSearch(2).decode(table, table.start([hurried, ZEROS]), 2, TOKENS, max_length=4)
    assert found.tokens.tolist() == [[EOS, 0, 0, 0], [4, 4, 4, 4]]
    assert table.sizes == [2, 2, 2, 2]  # two captions, then two beams of one


def test_suppressed_words_never_come_and_captions_are_cut():
    scores = torch.zeros(7, 7)
    scores[:, [PAD, BOS, UNK]] = 9.0
    table = Table(scores)
    search = BeamSearch(captions_per_video=5)
    found = search.decode(table, table.start([ZEROS]), 1, TOKENS, max_length=3)
    used = set(found.tokens[found.tokens != 0].tolist())
    assert used <= set(WORDS)
    endless = Table(scores.index_fill(1, torch.tensor([EOS]), -50.0))
    cut = BeamSearch().decode(endless, endless.start([ZEROS]), 1, TOKENS, max_length=3)
    assert (cut.tokens != 0).all()
    assert EOS not in cut.tokens


def test_a_video_with_fewer_captions_than_asked_for_has_empty_rows():
    table = random_table(7, 0)
    found = BeamSearch(captions_per_video=5).decode(
        table, table.start([ZEROS]), 1, TOKENS, max_length=2, suppress_tokens=(5, 6)
    )
    words = [words_of(row) for row in found.tokens]
    assert words[3:] == [[], []]
    assert sorted(words[:3]) == [[EOS], [4, EOS], [4, 4]]
    assert (found.log_probs[:3].sum(1) < 0).all()
    assert (found.log_probs[3:] == 0).all()


def test_attention_follows_the_words_of_a_beam():
    table = random_table(7, 3)
    table.attentive = True
    search, starts = BeamSearch(captions_per_video=4), [ZEROS, [0, 0, 3.0, 0, 0, 0, 0]]
    found = search.decode(table, table.start(starts), 2, TOKENS, max_length=5, attention=True)
    assert found.attention["frames"].shape == (8, 5, 3)
    assert found.attention["regions"].shape == (8, 5, 3, 2)
    for row, tokens in enumerate(found.tokens):
        words = words_of(tokens)
        expected = Table.attention(torch.tensor([BOS, *words[:-1]]))
        for name, weights in found.attention.items():
            torch.testing.assert_close(weights[row, : len(words)], expected[name])
            torch.testing.assert_close(
                weights[row, : len(words)].sum(-1), torch.ones(expected[name].shape[:-1])
            )
            assert (weights[row, len(words) :] == 0).all()
    without = search.decode(table, table.start([ZEROS]), 1, TOKENS, max_length=5)
    assert not without.attention
