import pytest

from stgraph.errors import DataError
from stgraph.text.vocabulary import build_vocabulary


def test_words_are_ordered_by_count_and_then_by_alphabet():
    captions = [["b", "b", "c"], ["a", "c", "d"], ["b"]]
    assert list(build_vocabulary(captions)) == ["<pad>", "<bos>", "<eos>", "<unk>", "b", "c", "a", "d"]
    assert list(build_vocabulary(captions[::-1])) == list(build_vocabulary(captions))
    assert list(build_vocabulary(captions, min_count=2))[4:] == ["b", "c"]


@pytest.mark.parametrize(("captions", "min_count"), [([], 1), ([["a"], ["b"]], 2)])
def test_no_words_left(captions, min_count):
    with pytest.raises(DataError, match=f"No word occurs {min_count} times"):
        build_vocabulary(captions, min_count)
