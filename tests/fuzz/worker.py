"""The process that reads mutated files; whatever ends it is seen by the process that started it.

It reads lines of JSON ``{"target", "first", "count", "seconds"}`` from its input, and prints a line for each mutated file
before it is read and another with the outcome.
"""

from __future__ import annotations

import faulthandler
import fcntl
import json
import random
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.fuzz.target import EXPECTED, Target, outcome_of
from tests.fuzz.targets import make_target

__all__ = ["load_seeds", "mutated", "prepare"]

HANG = 20
"""Seconds of the processor after which a file hangs; most take less than 0.1 s."""
WAIT = 300
"""Seconds after which a file hangs that needs no processor; a loaded machine is slow."""
ALLOWED = 4 << 30
"""Bytes of address space that a process may take besides what it has at its start."""
LARGEST_GROWTH = 2 << 30
"""Bytes by which resident memory may grow while one file is read."""


def prepare(target: Target) -> None:
    """Writes the valid files of a target, once for all processes."""
    seeds, part = target.folder / "seeds", target.folder / "seeds.part"
    target.folder.parent.mkdir(parents=True, exist_ok=True)
    with (target.folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if seeds.is_dir():
            return
        shutil.rmtree(target.folder, ignore_errors=True)
        target.folder.mkdir()
        found = target.prepare()
        part.mkdir()
        for name, content in found.items():
            (part / name).write_bytes(content)
        part.rename(seeds)


def load_seeds(target: Target) -> dict[str, bytes]:
    """The valid files of a target by name."""
    return {path.name: path.read_bytes() for path in sorted((target.folder / "seeds").iterdir())}


def mutated(target: Target, seeds: dict[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """Name of the valid file, and the mutated file, of a number; the first numbers are the valid files themselves."""
    names = list(seeds)
    if number < len(names):
        return names[number], seeds[names[number]]
    draw = random.Random(f"{seed} {target.name} {number}")
    name = draw.choice(names)
    return name, target.mutate(draw, name, seeds[name], [seeds[draw.choice(names)], seeds[name]])


def main() -> None:
    folder, work, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    faulthandler.register(signal.SIGXCPU, file=sys.__stderr__, chain=True)
    answers = sys.stdout
    sys.stdout = sys.stderr  # what is read may print
    targets: dict[str, tuple[Target, dict[str, bytes]]] = {}
    for line in sys.stdin:
        task = json.loads(line)
        name = task["target"]
        if name not in targets:
            target = make_target(name, folder)
            prepare(target)
            targets[name] = target, load_seeds(target)
        target, seeds = targets[name]
        _limit_memory()
        until = time.monotonic() + task["seconds"]
        for number in range(task["first"], task["first"] + task["count"]):
            if time.monotonic() > until:
                break
            seed_name, content = mutated(target, seeds, seed, number)
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            path = work / seed_name
            path.write_bytes(content)
            work.with_name("running").write_bytes(content)
            print(json.dumps([number, seed_name, None]), file=answers, flush=True)
            outcome = guarded_outcome(target, seed_name, path)
            if outcome not in EXPECTED:
                work.with_name(f"found{number}").write_bytes(content)
            print(json.dumps([number, seed_name, outcome]), file=answers, flush=True)
        print("done", file=answers, flush=True)


def guarded_outcome(target: Target, seed_name: str, path: Path) -> str:
    """The outcome of a file; this process ends if it takes too long."""
    before = _peak(reset=True)
    faulthandler.dump_traceback_later(WAIT, exit=True, file=sys.__stderr__)
    _limit_processor(HANG)
    try:
        outcome = outcome_of(target, seed_name, path)
    finally:
        _limit_processor(None)
        faulthandler.cancel_dump_traceback_later()
    grown = _peak() - before
    return f"memory: {grown >> 20} MiB more" if grown > LARGEST_GROWTH else outcome


def _peak(reset: bool = False) -> int:
    """Largest resident memory of this process in bytes since it was reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def _limit_processor(seconds: int | None) -> None:
    """Ends this process by SIGXCPU, after a traceback, when it has used the processor for so long."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (hard if seconds is None else int(used) + seconds, hard))


def _limit_memory() -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size + ALLOWED, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
