import pytest
import torch

from stgraph.errors import DataError
from stgraph.models import most_frequent_caption, nearest_captions


def test_nearest_is_by_cosine_and_copies_the_first_caption():
    train = {"far": torch.tensor([10.0, 0.0]), "near": torch.tensor([0.1, 0.1])}
    captions = {"far": ["far one"], "near": ["near one", "near two"]}
    assert nearest_captions(train, captions, {"q": torch.tensor([3.0, 2.9])}) == {"q": "near one"}


def test_empty_training_sets_are_named():
    with pytest.raises(DataError, match="at least one training video"):
        nearest_captions({}, {}, {"q": torch.ones(1)})
    with pytest.raises(DataError, match="at least one training caption"):
        most_frequent_caption({})
