"""Signals that a library's handler receives, and memory that is given back."""

import os
import platform
import signal
import subprocess
import sys

import pytest

from stgraph.processes import sigterm_kept


def test_a_library_does_not_replace_the_handler_of_sigterm():
    def stop(number, frame):
        raise KeyboardInterrupt

    choose = signal.signal
    before = signal.signal(signal.SIGTERM, stop), signal.getsignal(signal.SIGUSR1)
    try:
        with pytest.raises(KeyboardInterrupt), sigterm_kept():
            previous = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as Ray does
            assert previous is stop
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is stop
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        assert signal.signal is choose
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGUSR1, before[1])


KEPT = """
import ctypes
from stgraph.processes import give_back_memory
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
{call}
c.free(c.malloc(30 << 20))  # from here on glibc keeps what is smaller
array = c.malloc(16 << 20)
ctypes.memset(array, 1, 16 << 20)
above = c.malloc(1 << 17)  # so that the freed array isn't at the end of the heap
before = resident()
c.free(array)
print((before - resident()) >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps memory in this way")
@pytest.mark.parametrize(
    ("call", "setting", "returned"),
    [("", None, 0), ("give_back_memory()", None, 16), ("give_back_memory()", "33554432", 0)],
)
def test_memory_of_freed_arrays_is_given_back_unless_the_user_chose_otherwise(call, setting, returned):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment |= {} if setting is None else {"MALLOC_MMAP_THRESHOLD_": setting}
    command = [sys.executable, "-c", KEPT.format(call=call)]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert abs(int(output) - returned) <= 1  # other pages come and go
