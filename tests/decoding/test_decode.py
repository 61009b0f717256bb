import string

import pytest
import torch

from stgraph.decoding import Decoding, beam_search, decode, greedy, sample
from stgraph.errors import OptionError
from tests.decoding.models import MARKS, Writer, random_table

OPTIONS = {"max_length": 6, **MARKS}


def same(a, b):
    return torch.equal(a.tokens, b.tokens) and torch.equal(a.log_probs, b.log_probs)


def test_each_method_is_the_function_of_its_name():
    writer = Writer(vocab_size=20)
    start = lambda: (writer.decoder, writer.start([0, 1, 2], 6), 3)
    by = lambda method, **more: decode(*start(), method=method, **OPTIONS, **more)
    assert same(by(None), greedy(*start(), **OPTIONS))
    assert same(by(Decoding()), greedy(*start(), **OPTIONS))
    beam = {"beam_size": 3, "length_penalty": 0.5}
    expected = beam_search(*start(), **beam, num_best=2, **OPTIONS)
    assert same(by(Decoding("beam", **beam, captions_per_video=2)), expected)
    assert not same(by(Decoding("beam", **beam)), greedy(*start(), **OPTIONS))
    drawn = {"temperature": 2.0, "top_k": 9, "top_p": 0.8, "seed": 4}
    expected = sample(*start(), **drawn, num_samples=2, keys="abc", **OPTIONS)
    assert same(by(Decoding("sample", **drawn, captions_per_video=2), keys="abc"), expected)


def test_labels_tell_decodings_apart():
    ways = [
        *(Decoding(), Decoding("beam"), Decoding("beam", beam_size=4)),
        *(Decoding("beam", length_penalty=value) for value in (0.7, 1.5)),
        *(Decoding(method, captions_per_video=2) for method in ("beam", "sample")),
        *(Decoding("sample", **{name: 2}) for name in ("seed", "temperature", "top_k")),
        *(Decoding("sample"), Decoding("sample", top_p=0.5), Decoding("sample", top_k=2, top_p=0.5)),
    ]
    labels = [way.label for way in ways]
    assert len(set(labels)) == len(ways)
    assert all(set(label) <= set(string.ascii_lowercase + string.digits + "-_.") for label in labels)
    assert Decoding("beam", length_penalty=1).label == Decoding("beam", length_penalty=1.0).label


@pytest.mark.parametrize("method", [None, Decoding("beam", beam_size=2), Decoding("sample")])
def test_attention_sums_to_one_for_each_word_and_is_refused_where_there_is_none(method):
    table = random_table(7, 3)
    run = lambda: decode(table, table.start([[0.0] * 7] * 3), 3, method=method, attention=True, **OPTIONS)
    with pytest.raises(OptionError, match="'attention' must be false for this decoder, got true"):
        run()
    table.attentive = True
    found = run()
    real = (found.tokens != 0).float()
    torch.testing.assert_close(found.attention["frames"].sum(-1), real)
    torch.testing.assert_close(found.attention["regions"].sum(-1), real[..., None].expand(-1, -1, 3))


@pytest.mark.parametrize("method", [None, Decoding("beam"), Decoding("sample")])
def test_no_room_for_words_is_named(method):
    table = random_table(7, 0)
    with pytest.raises(OptionError, match="'max_length' must be at least 1, got 0"):
        decode(table, table.start([[0.0] * 7]), 1, method=method, **{**OPTIONS, "max_length": 0})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "beams"}, r"'method' must be one of \('greedy', 'beam', 'sample'\), got 'beams'"),
        ({"method": "beam", "beam_size": 0}, "'beam_size' must be a whole number from 1 on, got 0"),
        ({"method": "beam", "beam_size": 2.5}, "'beam_size' must be a whole number from 1 on, got 2.5"),
        ({"method": "beam", "length_penalty": -0.1}, "'length_penalty' must be at least 0, got -0.1"),
        ({"method": "beam", "length_penalty": float("nan")}, "'length_penalty' must be at least 0, got nan"),
        (
            {"method": "beam", "captions_per_video": 6},
            "'captions_per_video' must be at most 'beam_size', 5, got 6",
        ),
        ({"method": "sample", "temperature": 0.0}, "'temperature' must be above 0, got 0.0; .* 'greedy'"),
        ({"method": "sample", "temperature": float("inf")}, "'temperature' must be above 0, got inf"),
        ({"method": "sample", "temperature": "hot"}, "'temperature' must be a number, got 'hot'"),
        ({"method": "sample", "top_k": 0}, "'top_k' must be a whole number from 1 on, got 0"),
        ({"method": "sample", "top_p": 0.0}, "'top_p' must be above 0 and at most 1, got 0.0"),
        ({"method": "sample", "top_p": 1.5}, "'top_p' must be above 0 and at most 1, got 1.5"),
        ({"method": "sample", "seed": -1}, "'seed' must be a whole number from 0 on, got -1"),
        (
            {"captions_per_video": 2},
            "'captions_per_video' must stay 1 with method 'greedy', got 2; .* 'beam' or 'sample'",
        ),
        ({"temperature": 0.5}, "'temperature' must stay 1.0 with method 'greedy', got 0.5; .* of 'sample'"),
        ({"method": "beam", "top_k": 3}, "'top_k' must stay None with method 'beam', got 3"),
        (
            {"method": "sample", "beam_size": 3},
            "'beam_size' must stay 5 with method 'sample', got 3; .* of 'beam'",
        ),
    ],
)
def test_wrong_options_are_named(changed, message):
    with pytest.raises(OptionError, match=message):
        Decoding(**changed)
