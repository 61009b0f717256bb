"""How messages that quote a file are shown."""

import pytest

from stgraph.errors import DataError, StoreError, UnknownVideoError


@pytest.mark.parametrize("kind", [DataError, StoreError, UnknownVideoError])
def test_characters_that_do_not_print_are_escaped_and_line_breaks_kept(kind):
    message = "'\x1b[2J\u202e\ud800' is no id;\nrename é, 女"
    assert str(kind(message)) == "'\\x1b[2J\\u202e\\ud800' is no id;\nrename é, 女"


@pytest.mark.parametrize("kind", [DataError, UnknownVideoError])
def test_the_middle_of_a_long_message_is_left_out(kind):
    shown = str(kind(f"'name' must be short, got '{'a' * 100_000}'; shorten it."))
    assert len(shown) <= 2000
    assert shown.startswith("'name' must be short, got 'aaa")
    assert shown.endswith("aaa'; shorten it.")
