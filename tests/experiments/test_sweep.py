"""Tasks in worker processes: order, failures, a killed worker, a killed parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time

from stgraph.errors import DataError, WorkerError
from stgraph.experiments import Task, run_tasks


class OddError(DataError):
    """An error of a user's own, which pickle cannot restore."""

    def __init__(self, name, size):
        super().__init__(f"{name} has {size}")


def work(arguments):
    folder, name, what = arguments
    if what == "fail":
        raise DataError(f"{name} cannot be")
    if what == "full":
        raise OSError(28, "No space left on device", name)
    if what == "bug":
        raise ZeroDivisionError("division\nby zero")
    if what == "odd":
        raise OddError(name, 3)
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


def test_no_error_of_a_task_ends_the_sweep(tmp_path, capfd):
    """Of the disk, of a user's own class, or a fault in the code; only the last is worth a traceback."""
    kinds = ("full", "odd", "bug", "")
    tasks = [Task(kind or "fine", (str(tmp_path), kind or "fine", kind)) for kind in kinds]
    answers = {task.name: answer for task, answer in run_tasks(work, tasks, jobs=1, threads=1)}
    assert answers["fine"][0] == "fine"
    assert all(isinstance(answers[name], WorkerError) for name in ("full", "odd", "bug"))
    assert str(answers["full"]) == "[Errno 28] No space left on device: 'full'"
    assert str(answers["odd"]) == "odd has 3"
    assert str(answers["bug"]) == "ZeroDivisionError: division by zero"
    assert capfd.readouterr().err.count("Traceback") == 1


def test_a_process_that_dies_costs_one_task_and_the_others_are_run(tmp_path):
    tasks = [
        Task("first", (str(tmp_path), "first", "")),
        Task("dead", (str(tmp_path), "dead", "die")),
        Task("after dead", (str(tmp_path), "after dead", ""), needs=("dead",)),
        Task("last", (str(tmp_path), "last", "")),
    ]
    answers = {task.name: answer for task, answer in run_tasks(work, tasks, jobs=1, threads=1)}
    assert isinstance(answers["dead"], WorkerError)
    assert "Its process died (out of memory, or killed); run the same command again" in str(answers["dead"])
    assert "needs dead, which failed" in str(answers["after dead"])
    assert [answers[name][0] for name in ("first", "last")] == ["first", "last"]
    assert answers["first"][1] != answers["last"][1]


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


def test_ctrl_c_ends_all_processes_quietly(tmp_path):
    """A terminal sends SIGINT to the workers, too."""
    script, mark = tmp_path / "parent.py", tmp_path / "worker"
    script.write_text(
        f"try:\n    import os\n{textwrap.indent(PARENT, '    ')}\nexcept KeyboardInterrupt:\n    os._exit(130)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(script), str(mark)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    ready = tmp_path / "worker.ready"
    _wait_for(ready.is_file, 60)
    os.killpg(parent.pid, signal.SIGINT)
    _, errors = parent.communicate(timeout=30)
    assert parent.returncode == 130
    assert "Traceback" not in errors
    _wait_for(lambda: not _alive(int(ready.read_text())), 20)


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
