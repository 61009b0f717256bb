"""Tasks in worker processes: order, failures, a killed worker, a killed parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from stgraph.errors import DataError, WorkerError
from stgraph.experiments import Task, run_tasks


def work(arguments):
    folder, name, what = arguments
    if what == "fail":
        raise DataError(f"{name} cannot be")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    with open(os.path.join(folder, "order"), "a") as file:
        file.write(f"{name}\n")
    return name, os.getpid()


def test_what_is_needed_comes_first_and_a_failure_stops_only_what_needs_it(tmp_path):
    tasks = [
        Task("c", (str(tmp_path), "c", ""), needs=("b",)),
        Task("b", (str(tmp_path), "b", ""), needs=("a", "finished long ago")),
        Task("bad", (str(tmp_path), "bad", "fail")),
        Task("after bad", (str(tmp_path), "after bad", ""), needs=("bad",)),
        Task("a", (str(tmp_path), "a", "")),
    ]
    answers = {task.name: answer for task, answer in run_tasks(work, tasks, jobs=2, threads=1)}
    assert set(answers) == {task.name for task in tasks}
    order = (tmp_path / "order").read_text().split()
    assert order.index("a") < order.index("b") < order.index("c")
    assert isinstance(answers["bad"], DataError)
    assert "needs bad, which failed" in str(answers["after bad"])
    assert os.getpid() not in {answers[name][1] for name in "abc"}


def test_a_process_that_dies_is_one_sentence(tmp_path):
    with pytest.raises(WorkerError, match="finished cells are kept: run the same command again"):
        list(run_tasks(work, [Task("d", (str(tmp_path), "d", "die"))], jobs=1, threads=1))


PARENT = """
import sys, time
from stgraph.experiments import Task, run_tasks
if __name__ == "__main__":
    from tests.experiments.test_sweep import linger
    list(run_tasks(linger, [Task("x", sys.argv[1])], jobs=1, threads=1))
"""


def linger(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    os.replace(path, path + ".ready")
    time.sleep(60)


def test_no_process_outlives_a_killed_parent(tmp_path):
    script, mark = tmp_path / "parent.py", tmp_path / "worker"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(mark)], env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    ready = tmp_path / "worker.ready"
    _wait_for(ready.is_file, 60)
    worker = int(ready.read_text())
    parent.kill()
    parent.wait()
    _wait_for(lambda: not _alive(worker), 20)


def _alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def _wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
