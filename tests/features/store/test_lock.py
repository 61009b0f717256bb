import fcntl
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from stgraph.errors import StoreError
from stgraph.features.store.lock import WriterLock, writer_lock


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".store.lock"


def test_lock_lies_beside_the_store_while_it_is_held(tmp_path):
    with writer_lock(tmp_path / "new" / "store.h5"):
        held = json.loads((tmp_path / "new" / ".store.h5.lock").read_text())
        assert (held["host"], held["pid"]) == (socket.gethostname(), os.getpid())
    assert list((tmp_path / "new").iterdir()) == []


def test_second_holder_is_refused_and_the_first_keeps_it(path):
    with WriterLock(path):
        for _ in range(2):
            with pytest.raises(StoreError, match=f"process {os.getpid()} on this machine"):
                WriterLock(path).__enter__()
        assert path.exists()
    with WriterLock(path):
        pass


HOLD = """
from pathlib import Path
import sys
from stgraph.features.store.lock import WriterLock
with WriterLock(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def hold_elsewhere(path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], **pipes)
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_lock_of_another_process_holds_until_it_is_killed(path):
    holder = hold_elsewhere(path)
    try:
        with pytest.raises(StoreError, match=f"process {holder.pid} on this machine; wait for it or stop it"):
            WriterLock(path).__enter__()
    finally:
        holder.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    assert path.exists()
    with WriterLock(path):  # the holder is a zombie process
        assert json.loads(path.read_text())["pid"] == os.getpid()
    holder.communicate()


def test_lock_of_a_dead_process_whose_number_lives_again_is_taken(path):
    path.write_text(
        json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "started": "an earlier time"})
    )
    with WriterLock(path):
        pass


def test_lock_of_another_host_is_not_taken(path):
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": "1"}))
    with pytest.raises(
        StoreError, match="process 1 on host 'elsewhere'; wait for it, or remove .*lock if that run is"
    ):
        WriterLock(path).__enter__()
    assert path.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "host": "h"}'])
def test_half_written_lock_is_taken(path, content):
    path.write_text(content)
    with WriterLock(path):
        pass


def test_file_that_its_holder_removes_just_before_we_lock_it_is_not_ours(path, monkeypatch):
    real, calls = fcntl.lockf, []

    def lock_late(handle, how):
        if not calls:
            path.unlink()  # the holder releases it between our open and our lock
        calls.append(handle)
        real(handle, how)

    monkeypatch.setattr(fcntl, "lockf", lock_late)
    with WriterLock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert len(calls) == 2


def count_up(path, count):
    held = 0
    while held < 20:
        try:
            with WriterLock(path):
                count.write_text(
                    str(int(count.read_text()) + 1)
                )  # loses counts if two processes hold the lock
                held += 1
        except StoreError:
            time.sleep(0.0005)


def test_many_at_once_hold_it_one_by_one(path):
    count = path.with_name("count")
    count.write_text("0")
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=count_up, args=(path, count)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert count.read_text() == "80"


def test_a_lock_file_that_is_a_link_or_a_pipe_is_neither_followed_nor_waited_for(tmp_path):
    victim, lock = tmp_path / "victim", tmp_path / ".store.h5.lock"
    victim.write_text("mine")
    lock.symlink_to(victim)
    with (
        pytest.raises(StoreError, match="should be a lock file and is a symbolic link; remove it"),
        writer_lock(tmp_path / "store.h5"),
    ):
        pass
    assert victim.read_text() == "mine"
    lock.unlink()
    os.mkfifo(lock)
    with (
        pytest.raises(StoreError, match="should be a lock file and is something else"),
        writer_lock(tmp_path / "store.h5"),
    ):
        pass
