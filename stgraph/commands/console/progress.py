"""Progress on one line, which is rewritten on a terminal and printed once at the end elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from stgraph.commands.console.quiet import is_quiet

__all__ = ["progress_line"]


def progress_line(what: str) -> Callable[[int, int], None]:
    """Returns a callback (done, total) that shows count, rate and remaining time on standard error."""
    start = time.monotonic()

    def show(done: int, total: int) -> None:
        if is_quiet():
            return
        seconds = max(time.monotonic() - start, 1e-6)
        left = (total - done) * seconds / max(done, 1)
        line = f"{done}/{total} {what}, {done / seconds:.1f}/s, {left:.0f} s left"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{line:<60}" + ("\n" if done == total else ""))
        elif done == total:
            sys.stderr.write(f"{total} {what} in {seconds:.1f} s\n")
        sys.stderr.flush()

    return show
