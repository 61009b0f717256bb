"""Text of captions and file names on pictures."""

from __future__ import annotations

from stgraph.errors import shown

__all__ = ["literal"]


def literal(text: object, most: int = 200) -> str:
    r"""Formats text for Matplotlib so that it is drawn as it is: dollar signs start no formula.

    Characters that don't print are shown escaped, and long text is cut, as in messages.

    Args:
        text: The text, or a value whose text is drawn.
        most: Largest number of characters.

    >>> literal("from $5 to $9")
    'from \\$5 to \\$9'
    """
    return shown(text, most).replace("$", r"\$")
