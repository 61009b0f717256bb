"""Starts every command that writes twice at once: the second is refused in a sentence, the first ends well."""

import shutil
from pathlib import Path

from benchmarks.kill.commands import COMMANDS, prepare
from benchmarks.kill.process import start, wait
from benchmarks.kill.trials import Alone, filled

TWICE = ("extract", "store import", "store import, folder", "store merge", "train", "ablate")


def two_writers(name: str, expected: Alone, inputs: Path, folder: Path) -> tuple[str, list[str]]:
    """Runs a command twice at once in one folder.

    Returns:
        The message of the one that was refused, and what was wrong.
    """
    command = COMMANDS[name]
    prepare(command, inputs, folder)
    started = [start(filled(command.arguments, inputs), folder, log=f"{number}") for number in range(2)]
    ended = [wait(each) for each in started]
    problems = []
    if sorted(each.status for each in ended) != [0, 1]:
        problems.append(
            f"exit statuses {[each.status for each in ended]}: {[each.message for each in ended]}"
        )
    refused = max(ended, key=lambda each: each.status)
    if any(each.traceback for each in ended):
        problems.append("a traceback")
    if command.digest(folder / "work") != expected.digest:
        problems.append("another result")
    if not problems:
        shutil.rmtree(folder)
    return refused.message, problems
