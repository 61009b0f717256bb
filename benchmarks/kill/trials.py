"""Kills one command again and again."""

import random
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.kill.commands import Command, prepare
from benchmarks.kill.process import Ended, Stop, run

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LOGS = re.compile(r"log/version_\d+")  # a resumed run writes a further one
OF_OTHERS = re.compile(r"tmp/ray/")  # Ray keeps the logs of every session
# Temporary files that are removed within a millisecond: the code that PyTorch Geometric generates for a layer, and a file by
# which Python finds out whether it can write there.
OF_OTHERS_WHEN_KILLED = re.compile(r"tmp/([\w.]+_(propagate|edge_updater)_\w+\.py|[a-z0-9_]{8})$")


@dataclass
class Alone:
    """What a command leaves that nobody disturbs."""

    ended: Ended
    digest: dict[str, str]
    files: set[str]


@dataclass
class Trial:
    """One kill, and what the same command made of it."""

    command: str
    stop: Stop
    killed: Ended
    again: Ended | None = None
    problems: list[str] = field(default_factory=list)


def alone(command: Command, inputs: Path, folder: Path) -> Alone:
    """Runs a command undisturbed."""
    prepare(command, inputs, folder)
    ended = run(filled(command.arguments, inputs), folder)
    if ended.status != 0 or ended.left:
        raise RuntimeError(f"{command.arguments}, undisturbed: {ended}")
    found = Alone(ended, command.digest(folder / "work"), _files(folder))
    if "missing" in found.digest.values():
        raise RuntimeError(f"{command.arguments} has no result: {found.digest}")
    shutil.rmtree(folder)
    return found


def kill(
    name: str,
    command: Command,
    expected: Alone,
    number: int,
    inputs: Path,
    folder: Path,
    draws: random.Random,
) -> Trial:
    """Sends a signal at a random moment, half of them at a step between files, and runs the same command again."""
    shortest = expected.ended.seconds
    while True:
        aimed = draws.random() < 0.5
        group = number == signal.SIGINT or (number == signal.SIGTERM and draws.random() < 0.5)
        stop = Stop(
            number,
            after=None if aimed else draws.uniform(0, shortest),
            step=draws.randrange(max(1, expected.ended.steps)) if aimed else -1,
            before=draws.random() < 0.5,
            group=group,
        )
        prepare(command, inputs, folder)
        killed = run(filled(command.arguments, inputs), folder, stop)
        if killed.sent and not (number == signal.SIGKILL and killed.status == 0):  # it had ended
            break
        shortest = min(shortest, killed.seconds)
        shutil.rmtree(folder)
    shutil.copy(folder / "err", folder / "err-killed")  # the next run writes its own
    trial = Trial(name, stop, killed)
    trial.problems += _problems_of_end(number, killed)
    trial.again = run(filled(command.again(folder / "work"), inputs), folder)
    trial.problems += list(_problems_of_result(command, number, trial.again, expected, folder))
    if not trial.problems:
        shutil.rmtree(folder)
    return trial


def _problems_of_end(number: int, ended: Ended) -> Iterator[str]:
    if ended.left:
        yield f"process: alive after 5 s: {ended.left}"
    wanted = -number if number == signal.SIGKILL else 128 + number
    if ended.status not in (wanted, 0):  # 0: it had done its work
        yield f"status: {ended.status}, not {wanted}"
    if number != signal.SIGKILL and ended.status == wanted and "run the same command" not in ended.message:
        yield f"sentence: '{ended.message}'"
    if ended.traceback:
        yield "sentence: a traceback"


def _problems_of_result(
    command: Command, number: int, again: Ended, expected: Alone, folder: Path
) -> Iterator[str]:
    whole = again.status == 1 and command.whole and command.whole in again.message
    if again.status != 0 and not whole:
        yield f"lost: the same command ended with {again.status}: {again.message}"
    digest = command.digest(folder / "work")
    if digest != expected.digest:
        differing = [name for name in expected.digest if digest.get(name) != expected.digest[name]]
        yield f"lost: {', '.join(f'{name}: {digest.get(name)}' for name in differing)}"
    if again.left:
        yield f"process: alive after 5 s: {again.left}"
    left = sorted(_files(folder) - expected.files)
    if number == signal.SIGKILL:
        left = [name for name in left if not OF_OTHERS_WHEN_KILLED.match(name)]
    if left:
        yield f"leftover: {', '.join(left[:5])}"


def _files(folder: Path) -> set[str]:
    places = [path for name in ("work", "tmp") for path in (folder / name).rglob("*")]
    found = {LOGS.sub("log/version_N", str(path.relative_to(folder))) for path in places}
    return {name for name in found if not OF_OTHERS.match(name)}


def filled(arguments: tuple[str, ...], inputs: Path) -> list[str]:
    """The arguments with the folder of inputs in its place."""
    return [argument.replace("{in}", str(inputs)) for argument in arguments]


def table(trials: list[Trial]) -> str:
    """A row for each command and signal, in Markdown."""
    lines = [
        "| command | signal | kills | lost | leftovers | processes | exit status | last line of standard error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = dict.fromkeys((trial.command, trial.stop.number) for trial in trials)
    for name, number in keys:
        these = [trial for trial in trials if (trial.command, trial.stop.number) == (name, number)]
        counts = Counter(problem.split(":")[0] for trial in these for problem in trial.problems)
        found = [str(counts[kind]) for kind in ("lost", "leftover", "process")]
        statuses = ", ".join(
            f"{status} ({times})" for status, times in Counter(t.killed.status for t in these).most_common()
        )
        message = next((t.killed.message for t in these if t.killed.status == 128 + number), "")
        lines.append(
            f"| {name} | {signal.Signals(number).name} | {len(these)} | {' | '.join(found)} | {statuses} | {message} |"
        )
    return "\n".join(lines)
