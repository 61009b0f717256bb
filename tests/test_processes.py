"""Signals that a library's handler receives."""

import os
import signal
import sys

import pytest

from stgraph.processes import sigterm_kept


def test_a_sigterm_that_a_library_turns_into_an_exit_reaches_the_handler_before_it():
    def stop(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(KeyboardInterrupt), sigterm_kept():
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as Ray does
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is stop
        with pytest.raises(SystemExit), sigterm_kept():
            sys.exit(2)
    finally:
        signal.signal(signal.SIGTERM, before)
