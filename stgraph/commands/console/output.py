"""What the commands print: text of files is shown with everything escaped that a terminal would obey."""

from __future__ import annotations

import sys
import warnings

from stgraph.errors import printable

__all__ = ["escape_warnings", "say"]

_format = warnings.formatwarning


def say(text: object = "", *, error: bool = False, end: str = "\n", flush: bool = False) -> None:
    """Prints text in which characters that don't print are escaped, except line breaks and tabs.

    Captions, words, names and paths come from files of others; the commands print by nothing else.

    Args:
        text: The text.
        error: Whether it goes to standard error.
        end: What follows the text.
        flush: Whether it is written at once.
    """
    print(printable(text), end=end, file=sys.stderr if error else sys.stdout, flush=flush)


def escape_warnings() -> None:
    """Shows warnings of this process in the same way."""
    warnings.formatwarning = lambda *given, **named: printable(_format(*given, **named))
