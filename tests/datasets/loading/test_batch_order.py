from collections import Counter

import pytest

from stgraph.datasets.loading.batch_order import pair_batches
from stgraph.errors import OptionError

COUNTS = [3, 1, 7, 2, 5]


def pairs(batches):
    return Counter((video, caption) for batch in batches for video, chosen in batch for caption in chosen)


@pytest.mark.parametrize("captions_per_video", [1, 2, 4])
def test_an_epoch_holds_every_pair_once_and_no_batch_too_many(captions_per_video):
    batches = pair_batches(COUNTS, batch_size=4, captions_per_video=captions_per_video, seed=1)
    assert pairs(batches) == Counter({(v, c): 1 for v, n in enumerate(COUNTS) for c in range(n)})
    assert max(sum(len(chosen) for _, chosen in batch) for batch in batches) <= 4
    assert max(len(chosen) for batch in batches for _, chosen in batch) == captions_per_video


def test_order_is_a_function_of_seed_and_epoch():
    def order(**options):
        return pair_batches(COUNTS, batch_size=4, **options)

    assert order(seed=1, epoch=2) == order(seed=1, epoch=2)
    assert order(seed=1, epoch=2) != order(seed=1, epoch=3)
    assert order(seed=1, epoch=2) != order(seed=2, epoch=2)


def test_captions_per_epoch_draws_others_each_epoch():
    epochs = [pairs(pair_batches(COUNTS, batch_size=4, captions_per_epoch=2, epoch=e)) for e in range(30)]
    assert all(sum(epoch.values()) == 2 + 1 + 2 + 2 + 2 for epoch in epochs)
    assert {caption for epoch in epochs for video, caption in epoch if video == 2} == set(range(7))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "'batch_size' must be a whole number of at least 1, got 0"),
        ({"batch_size": 2, "captions_per_video": 3}, r"at most 'batch_size' \(2 pairs\), got 3"),
        (
            {"batch_size": 2, "captions_per_epoch": 0},
            "'captions_per_epoch' must be a whole number of at least 1 or None, got 0",
        ),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(OptionError, match=message):
        pair_batches(COUNTS, **options)
