"""Kills commands at random moments, runs each again, and compares the results: ``python -m benchmarks.kill``.

Prints a table in Markdown, and then what was wrong. Exits with status 1 if anything was.
"""

import argparse
import importlib
import itertools
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.kill.commands import COMMANDS
from benchmarks.kill.inputs import make_inputs
from benchmarks.kill.process import apart, temporary_folder
from benchmarks.kill.trials import SIGNALS, alone, kill, table
from benchmarks.kill.writers import TWICE, two_writers
from stgraph.commands.arguments import COMMANDS as NAMES


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"only these of {', '.join(COMMANDS)}")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--readers", type=int, default=300, help="seconds of reading beside a writer; 0: none"
    )
    parser.add_argument(
        "--no-writers", dest="writers", action="store_false", help="start no command twice at the same time"
    )
    parser.add_argument("--folder", type=Path, help="keep the folders of trials with problems here")
    options = parser.parse_args()
    names = options.names or list(COMMANDS)
    if unknown := [name for name in names if name not in COMMANDS]:
        parser.error(f"there is no command {unknown[0]!r}")
    torch.set_num_threads(1)
    for name in NAMES:
        importlib.import_module(f"stgraph.commands.{name}")
    draws, begun, trials = random.Random(options.seed), time.monotonic(), []
    stopped: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: stopped.append(number))  # ends with the table so far
    with temporary_folder() as temporary:
        folder = options.folder or temporary
        folder.mkdir(parents=True, exist_ok=True)
        inputs = folder.absolute() / "inputs"
        chosen = [COMMANDS[name] for name in names]
        data, model = any(each.cache for each in chosen), any(each.copies for each in chosen)
        apart(lambda: make_inputs(inputs, data=data, model=model))
        expected, plan = {}, []
        for name, command in zip(names, chosen, strict=True):
            expected[name] = alone(command, inputs, folder.absolute() / "alone")
            kills = max(1, round(options.kills * command.share / sum(each.share for each in chosen)))
            plan += [
                (name, number) for _, number in zip(range(kills), itertools.cycle(SIGNALS), strict=False)
            ]
            ended = expected[name].ended
            print(
                f"{name}: {ended.seconds:.1f} s, {ended.steps} steps, {kills} kills",
                file=sys.stderr,
                flush=True,
            )
        draws.shuffle(plan)  # so that a bench that is stopped has tried all commands
        for name, number in plan:
            if stopped:
                break
            place = folder.absolute() / f"trial{len(trials)}"
            trial = kill(name, COMMANDS[name], expected[name], number, inputs, place, draws)
            trials.append(trial)
            for problem in trial.problems:
                print(f"  {place.name}: {name}, {trial.stop}: {problem}", file=sys.stderr, flush=True)
        twice = [name for name in TWICE if name in names and options.writers and not stopped]
        writers = [
            (name, *two_writers(name, expected[name], inputs, folder.absolute() / "twice")) for name in twice
        ]
    trials.sort(key=lambda trial: (names.index(trial.command), SIGNALS.index(trial.stop.number)))
    print(table(trials))
    problems = [(trial, problem) for trial in trials for problem in trial.problems]
    slowest = max((trial.killed.wait for trial in trials), default=0.0)
    print(
        f"\n{len(trials)} kills with seed {options.seed} in {(time.monotonic() - begun) / 60:.0f} minutes, "
        f"{len(problems)} problems; a stopped command ended after {slowest:.1f} s at the latest."
    )
    for trial, problem in problems:
        print(f"- {trial.command}, {trial.stop}: {problem}")
    if writers:
        print("\nTwo at once in one folder:\n\n| command | message of the second |\n|---|---|")
    for name, message, wrong in writers:
        print(f"| {name} | {message} {'; '.join(wrong)} |", flush=True)
    bad = bool(problems) or any(wrong for _, _, wrong in writers)
    if options.readers:
        print(f"\nReaders beside a writer, {options.readers} s:\n", flush=True)
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.fuzz.readers",
            "--seconds",
            str(options.readers),
        ]
        bad |= bool(subprocess.run(command, check=False).returncode)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
