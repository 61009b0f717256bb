"""Mutates files of every kind that stgraph reads, and reads them: ``python -m tests.fuzz --minutes 60``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.fuzz.bench import search, table
from tests.fuzz.target import EXPECTED
from tests.fuzz.targets import NAMES, make_target


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="time in all (default: 60)")
    parser.add_argument(
        "--target", nargs="+", choices=NAMES, default=list(NAMES), help="targets (default: all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all mutations (default: 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first file of each target")
    parser.add_argument("--count", type=int, default=1 << 60, help="largest number of files per target")
    parser.add_argument("--processes", type=int, default=1, help="worker processes (default: 1)")
    parser.add_argument("--findings", type=Path, default=Path("runs/fuzz"), help="folder of what is found")
    parser.add_argument("--replay", type=Path, nargs="+", help="read kept files again instead")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stgraph-fuzz-") as folder:
        if chosen.replay:
            return max(replay(path, Path(folder)) for path in chosen.replay)
        tallies = search(
            chosen.target,
            Path(folder),
            seed=chosen.seed,
            count=chosen.count,
            seconds=60 * chosen.minutes,
            first=chosen.first,
            processes=chosen.processes,
            findings=chosen.findings,
        )
    print(table(tallies))
    for name, tally in tallies.items():
        for kind, count in tally.kinds.most_common():
            print(f"{name}: {count} x {kind}")
    print(f"Files, and what was found in each (list.txt), are in {chosen.findings}.")
    return 1 if any(tally.found for tally in tallies.values()) else 0


def replay(path: Path, folder: Path) -> int:
    """Reads a kept file again in this process and prints the outcome."""
    from tests.fuzz.target import outcome_of
    from tests.fuzz.worker import prepare

    name, _, seed_name = path.name.split("__", 2)
    target = make_target(name, folder)
    prepare(target)
    copy = folder / "input" / seed_name
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(path.read_bytes())
    outcome = outcome_of(target, seed_name, copy)
    print(f"{path}: {outcome}")
    return 0 if outcome in EXPECTED else 1


if __name__ == "__main__":
    raise SystemExit(main())
