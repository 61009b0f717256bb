import pytest

from stgraph.errors import OptionError
from stgraph.text import SpecialTokens


def test_suppressed_are_all_but_the_end():
    assert SpecialTokens(pad=0, bos=7, eos=8, unk=9).suppress_tokens == (0, 7, 9)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ((1, 0, 2, 3), "'pad' must be 0, got 1"),
        ((0, 1, 1, 3), r"four different ids from 0 on, got \(0, 1, 1, 3\)"),
        ((0, 1, -2, 3), r"four different ids from 0 on, got \(0, 1, -2, 3\)"),
    ],
)
def test_ids_that_cannot_be_are_named(ids, message):
    with pytest.raises(OptionError, match=message):
        SpecialTokens(*ids)
