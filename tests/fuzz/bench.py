"""Runs targets in worker processes, counts outcomes and keeps what was found."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.target import EXPECTED

__all__ = ["Tally", "Worker", "kind_of", "search", "table"]

KEPT = 5
"""Files that are kept of each kind of finding."""


@dataclass
class Tally:
    """Outcomes of one target."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    """Description of each finding that was kept, by the name of its file."""
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def tried(self) -> int:
        """Number of files that were read."""
        return self.counts.total()

    @property
    def found(self) -> int:
        """Number of findings."""
        return self.tried - sum(self.counts[name] for name in EXPECTED)


class Worker:
    """A process that reads mutated files, started again whenever one of them ends it.

    Args:
        folder: Valid files, shared by all workers.
        work: A folder of this worker's own.
        seed: Seed of all mutations.
    """

    def __init__(self, folder: Path, work: Path, seed: int) -> None:
        self.folder, self.work, self.seed = folder, work, seed
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, target: str, first: int, count: int, seconds: float
    ) -> Iterator[tuple[int, str, str, bytes | None]]:
        """Yields number, valid file and outcome of each mutated file, and its content if that is a finding."""
        until = time.monotonic() + seconds
        last = first + count
        while first < last and time.monotonic() < until:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            task = {
                "target": target,
                "first": first,
                "count": last - first,
                "seconds": until - time.monotonic(),
            }
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            begun: tuple[int, str] | None = None
            for line in process.stdout:
                if line == "done\n":
                    return
                number, name, outcome = json.loads(line)
                if outcome is None:
                    begun = number, name
                    continue
                begun, first = None, number + 1
                yield number, name, outcome, None if outcome in EXPECTED else self._found(number)
            status, said = process.wait(), self._said()
            self._process = None
            if begun is None:
                raise RuntimeError(f"The worker for {target} ended with status {status}:\n{said[-4000:]}")
            number, name = begun
            first = number + 1
            hung = "Timeout (" in said or status == -signal.SIGXCPU
            outcome = f"hang: {_innermost(said)}" if hung else f"crash: status {status}: {_innermost(said)}"
            yield number, name, outcome, (self.work / "running").read_bytes()

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def _input(self) -> Path:
        return self.work / "input"

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self.work.mkdir(parents=True, exist_ok=True)
            arguments = ["-m", "tests.fuzz.worker", str(self.folder), str(self._input), str(self.seed)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
            with (self.work / "errors").open("wb") as errors:
                self._process = subprocess.Popen(
                    [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                    text=True, env=environment,
                )  # fmt: skip
        return self._process

    def _found(self, number: int) -> bytes:
        path = self.work / f"found{number}"
        content = path.read_bytes()
        path.unlink()
        return content

    def _said(self) -> str:
        return (self.work / "errors").read_text(errors="replace")


def search(
    targets: Sequence[str],
    folder: Path,
    *,
    seed: int = 0,
    count: int = 1 << 60,
    seconds: float = float("inf"),
    slice_seconds: float = 30,
    first: int = 0,
    processes: int = 1,
    findings: Path | None = None,
) -> dict[str, Tally]:
    """Reads mutated files of all targets in turn.

    Args:
        targets: Names of the targets.
        folder: Valid files and the workers' own files.
        seed: Seed of all mutations.
        count: Largest number of files per target.
        seconds: Seconds in all.
        slice_seconds: Seconds of a target before the next one's turn.
        first: Number of the first file of each target.
        processes: Number of workers.
        findings: Folder in which files that are findings are kept.
    """
    tallies = {name: Tally() for name in targets}
    following = dict.fromkeys(targets, first)
    until, lock = time.monotonic() + seconds, threading.Lock()
    errors: list[BaseException] = []

    def turn(number: int) -> None:
        worker = Worker(folder, folder / f"worker{number}", seed)
        try:
            for turn_number, name in enumerate(_in_turn(targets, number)):
                left = until - time.monotonic()
                with lock:
                    begin = following[name]
                    following[name] = end = min(begin + 100_000, first + count)
                if (
                    left <= 0
                    or errors
                    or (all(each >= first + count for each in following.values()) and begin >= end)
                ):
                    break
                done = begin
                for done, seed_name, outcome, content in worker.run(
                    name, begin, end - begin, min(left, slice_seconds)
                ):
                    with lock:
                        _add(tallies[name], name, done, seed_name, outcome, content, findings)
                with lock:
                    if findings is not None:
                        findings.mkdir(parents=True, exist_ok=True)
                        (findings / "table.txt").write_text(table(tallies) + "\n")
                    if following[name] == end:  # no other worker began behind it
                        following[name] = done + 1
                if turn_number % len(targets) == len(targets) - 1 and count > 1000:
                    worker.close()  # so that small leaks of the libraries below don't add up
        except BaseException as error:  # noqa: BLE001  raised again below
            errors.append(error)
        finally:
            worker.close()

    threads = [threading.Thread(target=turn, args=(number,), daemon=True) for number in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return tallies


def _in_turn(targets: Sequence[str], start: int) -> Iterator[str]:
    place = start
    while True:
        yield targets[place % len(targets)]
        place += 1


def _add(
    tally: Tally,
    target: str,
    number: int,
    seed_name: str,
    outcome: str,
    content: bytes | None,
    findings: Path | None,
) -> None:
    if outcome in EXPECTED:
        tally.counts[outcome] += 1
        return
    tally.counts[outcome.partition(":")[0]] += 1
    kind = kind_of(outcome)
    tally.kinds[kind] += 1
    if tally.kinds[kind] <= KEPT:
        name = f"{target}__{number}__{seed_name}"
        tally.findings[name] = outcome
        if findings is not None and content is not None:
            findings.mkdir(parents=True, exist_ok=True)
            (findings / name).write_bytes(content)
            with (findings / "list.txt").open("a") as file:
                print(f"{name}\t{outcome!r}"[:600], file=file)


def kind_of(outcome: str) -> str:
    """An outcome without what differs between files of the same fault: numbers, quoted values and paths."""
    return re.sub(
        r"'[^']*'|\"[^\"]*\"|(?<!\S)/\S+|(?<!#L)(?<!\d)[-+]?\d[\d.e+-]*", "_", " ".join(outcome.split())
    )[:160]


def _innermost(said: str) -> str:
    """The innermost places of our own code in what the fault handler printed, or the last line of a traceback."""
    places = re.findall(r'File ".*/(?:stgraph|tests/fuzz)/(\S+)", line (\d+)', said)
    last = said.strip().rpartition("\n")[2] if "Traceback (most" in said else ""
    return last or " < ".join(f"{path}#L{line}" for path, line in places[:2])


def table(tallies: dict[str, Tally]) -> str:
    """Inputs tried, accepted and refused, and findings by kind, for each target."""
    kinds = ("raised", "silent", "message", "hang", "crash", "memory")
    rows = [("target", "tried", "accepted", "refused", *kinds)]
    for name, tally in tallies.items():
        counts = [tally.counts[column] for column in ("accepted", "refused", *kinds)]
        rows.append((name, *(f"{number:,}" for number in (tally.tried, *counts))))
    totals = [sum(tally.tried for tally in tallies.values())]
    totals += [
        sum(tally.counts[column] for tally in tallies.values()) for column in ("accepted", "refused", *kinds)
    ]
    rows.append(("all", *(f"{number:,}" for number in totals)))
    return "\n".join(f"{row[0]:<16}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows)
