import string

import pytest
import torch

from stgraph.decoding import BeamSearch, Greedy, Sampling, decoding_from_dict, decoding_from_options
from stgraph.errors import OptionError
from tests.decoding.models import TOKENS, random_table

METHODS = [Greedy(), BeamSearch(2), Sampling()]


@pytest.mark.parametrize(
    ("options", "decoding"),
    [
        ({}, Greedy()),
        ({"method": "beam"}, BeamSearch(size=5)),
        (
            {"method": "beam", "beam_size": 3, "length_penalty": 0.5, "captions_per_video": 2},
            BeamSearch(size=3, length_penalty=0.5, captions_per_video=2),
        ),
        ({"method": "beam", "narrowing": True}, BeamSearch(narrowing=True)),
        (
            {
                "method": "sample",
                "temperature": 2.0,
                "top_k": 9,
                "top_p": 0.8,
                "seed": 4,
                "captions_per_video": 2,
            },
            Sampling(temperature=2.0, top_k=9, top_p=0.8, seed=4, captions_per_video=2),
        ),
    ],
)
def test_options_build_the_class_of_the_method(options, decoding):
    assert decoding_from_options(**options) == decoding
    assert decoding_from_dict(decoding.to_dict()) == decoding


@pytest.mark.parametrize(
    ("changed", "decoding"),
    [
        ({}, Greedy()),
        ({"method": "beam", "beam_size": 3, "length_penalty": 1.0}, BeamSearch(3, 1.0)),
        ({"method": "sample", "seed": 7, "top_k": 3}, Sampling(seed=7, top_k=3)),
    ],
)
def test_records_that_list_the_options_of_all_methods_are_read(changed, decoding):
    """Evaluation files had this form before each method had its own class."""
    everything = {
        "method": "greedy",
        "beam_size": 5,
        "length_penalty": 0.0,
        "temperature": 1.0,
        "top_k": None,
        "top_p": None,
        "seed": 0,
        "captions_per_video": 1,
    }
    assert decoding_from_dict({**everything, **changed}) == decoding


def test_labels_tell_decodings_apart():
    ways = [
        *(Greedy(), BeamSearch(), BeamSearch(4)),
        *(BeamSearch(length_penalty=value) for value in (0.7, 1.5)),
        BeamSearch(narrowing=True),
        *(method(captions_per_video=2) for method in (BeamSearch, Sampling)),
        *(Sampling(**{name: 2}) for name in ("seed", "temperature", "top_k")),
        *(Sampling(), Sampling(top_p=0.5), Sampling(top_k=2, top_p=0.5)),
    ]
    labels = [way.label for way in ways]
    assert len(set(labels)) == len(ways)
    assert all(set(label) <= set(string.ascii_lowercase + string.digits + "-_.") for label in labels)
    assert BeamSearch(length_penalty=1).label == BeamSearch(length_penalty=1.0).label
    assert Sampling(top_p=1).label == Sampling(top_p=1.0).label == "sample0-top_p1.0"
    full = Sampling(temperature=2, top_k=3, top_p=0.5, seed=9, captions_per_video=2)
    assert full.label == "sample9-temperature2.0-top_k3-top_p0.5-captions_per_video2"


@pytest.mark.parametrize("decoding", METHODS)
def test_attention_sums_to_one_for_each_word_and_is_refused_where_there_is_none(decoding):
    table = random_table(7, 3)

    def run():
        return decoding.decode(table, table.start([[0.0] * 7] * 3), 3, TOKENS, max_length=6, attention=True)

    with pytest.raises(OptionError, match="'attention' must be false for this decoder, got true"):
        run()
    table.attentive = True
    found = run()
    real = (found.tokens != 0).float()
    torch.testing.assert_close(found.attention["frames"].sum(-1), real)
    torch.testing.assert_close(found.attention["regions"].sum(-1), real[..., None].expand(-1, -1, 3))


@pytest.mark.parametrize("decoding", METHODS)
def test_no_room_for_words_is_named(decoding):
    table = random_table(7, 0)
    with pytest.raises(OptionError, match="'max_length' must be at least 1, got 0"):
        decoding.decode(table, table.start([[0.0] * 7]), 1, TOKENS, max_length=0)


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
            "'captions_per_video' must be at most the beam size, 5, got 6",
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
            "'captions_per_video' is an option of BeamSearch and Sampling, not of Greedy, got 2; "
            "drop it or choose method 'beam' or 'sample'",
        ),
        ({"temperature": 0.5}, "'temperature' is an option of Sampling, not of Greedy, got 0.5; .* 'sample'"),
        ({"method": "beam", "top_k": 3}, "'top_k' is an option of Sampling, not of BeamSearch, got 3"),
        (
            {"method": "sample", "beam_size": 3},
            "'beam_size' is an option of BeamSearch, not of Sampling, got 3; drop it or choose method 'beam'",
        ),
        ({"method": "beam", "width": 3}, "'width' is no option of decoding; known are beam_size, captions"),
    ],
)
def test_wrong_options_are_named(changed, message):
    with pytest.raises(OptionError, match=message):
        decoding_from_options(**changed)
