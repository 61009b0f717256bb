"""Compares frame counts, times and pictures of many kinds of videos with ``ffmpeg``: ``python -m benchmarks.video``.

Prints a table in Markdown; ``--write PAGE`` also puts it between the markers of a page, and ``--check PAGE`` demands that it
is there. Exits with status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.video.oracle import compare
from benchmarks.video.recipes import RECIPES, make
from stgraph.errors import StgraphError

BEGIN, END = "<!-- table of benchmarks.video -->", "<!-- end of the table -->"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="only these files")
    parser.add_argument("--folder", type=Path, help="keep the files here")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    parser.add_argument("--check", type=Path, metavar="PAGE")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        names = options.names or [name for name, recipe in RECIPES.items() if recipe.what]
        rows = [row(name, folder) for name in names]
    differing = sum(not line.endswith("| equal |") for line in rows)
    table = "\n".join(["| file | what | frames | |", "|---|---|---|---|", *rows])
    print(f"{len(rows)} files, {differing} differ, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    for page in filter(None, (options.write, options.check)):
        text = page.read_text()
        before, rest = text.split(BEGIN)
        new = f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"
        if page == options.write:
            page.write_text(new)
        elif new != text:
            sys.exit(f"The table in {page} is out of date: python -m benchmarks.video --write {page}")
    sys.exit(bool(differing))


def row(name: str, folder: Path) -> str:
    """Makes a file, compares it, and prints and returns its row of the table."""
    path = make(name, folder)
    try:
        found = compare(path)
        frames, problems = found.frames, found.problems
    except StgraphError as error:
        frames, problems = 0, (str(error),)
    line = f"| `{name}` | {RECIPES[name].what} | {frames} | {'; '.join(problems) or 'equal'} |"
    print(line, flush=True)
    return line


if __name__ == "__main__":
    main()
