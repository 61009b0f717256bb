"""``python -m tests.misuse``: every public callable called wrongly, with a table of what came of it."""

from __future__ import annotations

import argparse
import collections
import logging
import os
import time

from tests.misuse import bench, world


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="text in the names of the callables to run")
    parser.add_argument("--package", default="", help="only what this package exports")
    parser.add_argument(
        "--combinations", type=int, default=20, help="calls with several wrong arguments per callable"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.chdir(world.folder())
    logging.disable(logging.WARNING)  # of Lightning, about every training
    begun = time.monotonic()
    tally = bench.run(
        combinations=options.combinations,
        seed=options.seed,
        only=options.only,
        package=options.package,
        report=lambda line: print(line.encode("utf-8", "backslashreplace").decode(), flush=True),
    )
    kinds = collections.Counter(line.split(": ", 1)[1].split(" at ")[0] for line in tally.findings)
    for kind, number in kinds.most_common(10):
        print(f"{number:6} {kind[:100]}")
    for line in tally.unmade:
        print(f"not called: {line}")
    print("\n| callables | calls | " + " | ".join(bench.KINDS) + " | seconds |")
    counts = " | ".join(str(tally.calls[kind]) for kind in bench.KINDS)
    print(f"| {tally.callables} | {tally.calls.total()} | {counts} | {time.monotonic() - begun:.0f} |")
    return 1 if tally.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
