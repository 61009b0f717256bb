"""Runs the Python blocks of a docs page as one program, the way a reader would copy them.

    python tests/python_pages.py run PAGE --in FOLDER     # needs stgraph alone, from wherever this Python has it
    python tests/python_pages.py write PAGE --to FILE     # the program, for a type checker

``FOLDER`` gets the stand-ins of `tests/stand_ins.py` for the files and values that the blocks name.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["blocks", "make_stand_ins", "program", "run"]

STAND_INS = Path(__file__).with_name("stand_ins.py")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FORBIDDEN = ("hydra", "stgraph.commands", "stgraph.settings", "stgraph.cli")
"""What none of the blocks may import, directly or not. (Lightning imports omegaconf by itself.)"""

CHECK = f"""
import sys
found = sorted(name for name in sys.modules if name in {FORBIDDEN!r} or name.startswith(("hydra.", "stgraph.commands.")))
assert not found, f"the blocks imported {{found}}"
"""


def blocks(page: Path) -> list[tuple[int, str]]:
    """Each block of Python of a page, with the number of the line before it."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, match.start(1)), match.group(1)) for match in BLOCK.finditer(text)]


def program(page: Path) -> str:
    """All blocks as one program whose lines have the numbers that they have in the page."""
    lines = ["from stand_ins import results"]
    for line, code in blocks(page):
        lines += [""] * (line - len(lines)) + code.splitlines()
    return "\n".join(lines) + "\n"


def make_stand_ins(folder: Path, python: str = sys.executable) -> None:
    """Makes the stand-ins in ``folder``.

    Raises:
        AssertionError: If they cannot be made; the message ends with the traceback.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(STAND_INS, folder)
    _call([python, STAND_INS.name, "."], folder)


def run(page: Path, folder: Path, python: str = sys.executable) -> None:
    """Runs the blocks in a process of their own in ``folder``, which holds the stand-ins.

    Raises:
        AssertionError: If a block fails or imports what it must not; the message ends with the traceback.
    """
    name = f"{page.stem}_blocks.py"
    (folder / name).write_text(program(page) + CHECK, encoding="utf-8")
    _call([python, name], folder)


def _call(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[1]} failed\n{done.stderr[-6000:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "write"])
    parser.add_argument("page", type=Path)
    parser.add_argument("--in", dest="folder", type=Path, help="folder to run in")
    parser.add_argument("--to", type=Path, help="file to write; stand_ins.py is put beside it")
    chosen = parser.parse_args()
    page = chosen.page.resolve()
    if chosen.what == "run":
        make_stand_ins(chosen.folder)
        run(page, chosen.folder)
        print(f"{len(blocks(page))} blocks of {page.name} ran")
    else:
        chosen.to.write_text(program(page), encoding="utf-8")
        shutil.copy(STAND_INS, chosen.to.resolve().parent)


if __name__ == "__main__":
    main()
