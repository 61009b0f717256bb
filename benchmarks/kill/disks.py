"""Runs every command on a full disk and on a read-only one, then again with room: ``python -m benchmarks.kill.disks``.

Disks are small file systems in memory, which need the rights to mount; without them there is one sentence and exit status 2.
Prints a table in Markdown; exits with status 1 if a command did not end with one sentence and status 1, or its result
differs once there is room.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from benchmarks.kill.commands import COMMANDS, Command, all_bytes
from benchmarks.kill.inputs import SMALL, make_inputs
from benchmarks.kill.process import apart, run, temporary_folder
from benchmarks.kill.trials import filled
from stgraph.commands.arguments import COMMANDS as NAMES

STORE, VIDEO = "{in}/tiny/tiny-seed0-v1/store.h5", "interactions-0-00000"
SCORED = "{in}/trained/evaluation-val-scene.json"


def _written(*arguments: str) -> Command:
    """A command that writes one file, named by its last argument."""
    return Command(arguments, {arguments[-1]: all_bytes}, share=0, cache=True)


ALL = {
    **COMMANDS,
    **{
        f"graph, {ending}": _written("graph", STORE, VIDEO, "-o", f"graph.{ending}")
        for ending in ("graphml", "gexf", "json", "pt", "png", "html", "mp4")
    },
    "inspect": _written("inspect", "{in}/trained", VIDEO, "-o", "inspect.html"),
    "caption": _written("caption", VIDEO, "--model", "{in}/trained", "--html", "captions.html"),
    "report": Command(
        ("report", SCORED, "--split", "val", "-o", "report"),
        {"report/**/*.*": all_bytes},
        share=0,
        cache=True,
    ),
    "figure, attention": _written("figure", "attention", "{in}/trained", "-o", "attention.png"),
    "figure, captions": _written("figure", "captions", SCORED, "--split", "val", "-o", "captions.svg"),
    "store merge, folder": Command(("store", "merge", "m", "{in}/a.h5", "{in}/b.h5"), {}, share=0),
    "words": Command(
        ("words", "{in}/trained/evaluation-val-scene.json", "split=val", "-o", "words.json"),
        {"words.json": all_bytes},
        share=0,
    ),
    "compare": Command(
        (
            "compare",
            "{in}/trained",
            "{in}/trained",
            "split=val",
            "branch_a=scene",
            "branch_b=object",
            "-o",
            "c.json",
        ),
        {"c.json": all_bytes},
        share=0,
    ),
    "demo": Command(
        ("demo", "data=interactions_tiny", *SMALL, "trainer.max_epochs=1", "run=run"),
        {"run/model.safetensors": all_bytes},
        share=0,
        cache=True,
    ),
}
ROOM = (0.0, 0.5, 0.9)
"""Free space, as a share of what the command writes."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"only these of {', '.join(ALL)}")
    names = parser.parse_args().names or list(ALL)
    if unknown := [name for name in names if name not in ALL]:
        parser.error(f"there is no command {unknown[0]!r}")
    torch.set_num_threads(1)
    for name in NAMES:
        importlib.import_module(f"stgraph.commands.{name}")
    bad = 0
    with temporary_folder() as root:
        try:
            with _disk(root / "try"):
                pass
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"No disk can be mounted here ({error}); run this as root.", file=sys.stderr)
            return 2
        inputs = root / "inputs"
        apart(lambda: make_inputs(inputs, data=True, model=True))
        print("| command | disk | exit status | message | with room |\n|---|---|---|---|---|")
        for name in names:
            for row, good in _rows(name, ALL[name], inputs, root):
                bad += not good
                print(row, flush=True)
    print(f"\n{bad} problems")
    return 1 if bad else 0


def _rows(name, command, inputs, root):
    with _disk(root / "disk") as disk:
        _prepare(command, inputs, disk)
        before = _used(disk)
        ended = run(filled(command.arguments, inputs), disk)
        assert ended.status == 0, ended
        expected, size = command.digest(disk / "work"), _used(disk) - before
    cheap = ended.seconds < 20
    for kind in (*(ROOM if cheap else ROOM[1:2]), None):
        with _disk(root / "disk") as disk:
            _prepare(command, inputs, disk)
            spoiled = _read_only(disk) if kind is None else _full(disk, int(size * kind))
            with spoiled:
                found = run(filled(command.again(disk / "work"), inputs), disk)
            again = run(filled(command.again(disk / "work"), inputs), disk)
            digest = command.digest(disk / "work")
            hidden = [
                str(path.relative_to(disk))
                for path in disk.rglob("*")
                if path.name.endswith((".part", ".lock"))
            ]
        what = "read-only" if kind is None else f"room for {100 * kind:.0f} %"
        if found.status == 0 and kind:  # less was needed, such as by temporary files
            yield f"| {name} | {what} | 0 | | |", digest == expected
            continue
        whole = command.whole and command.whole in again.message
        same = (again.status == 0 or whole) and digest == expected and not hidden and not again.left
        good = found.status == 1 and not found.traceback and not found.left and same
        problem = (
            ""
            if good
            else f" **status {again.status}: {again.message} {hidden} {found.traceback} {found.left}**"
        )
        message = found.message.replace(str(root), "")
        yield (
            f"| {name} | {what} | {found.status} | {message} | {'equal' if same else 'differs'}{problem} |",
            good,
        )


def _prepare(command: Command, inputs: Path, disk: Path) -> None:
    for name in command.copies:
        shutil.copytree(inputs / name, disk / "work" / name)
    if command.cache:
        shutil.copytree(inputs / "tiny", disk / "work" / "cache" / "interactions")


@contextmanager
def _disk(place: Path):
    """A folder whose ``work`` is a disk of its own; standard output and temporary files are elsewhere."""
    (place / "work").mkdir(parents=True)
    (place / "tmp").mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place / "work")],
        check=True,
        capture_output=True,
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place / "work")], check=True)
        shutil.rmtree(place)


@contextmanager
def _full(disk: Path, room: int):
    """Leaves so many bytes of a disk."""
    filler = disk / "work" / ".filler"
    with filler.open("wb") as file, suppress(OSError):
        space = os.statvfs(disk / "work")
        left = space.f_bavail * space.f_frsize - room
        while left > 0:
            left -= file.write(bytes(min(left, 4096)))
            file.flush()
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def _read_only(disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", str(disk / "work")], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk / "work")], check=True)


def _used(disk: Path) -> int:
    space = os.statvfs(disk / "work")
    return (space.f_blocks - space.f_bavail) * space.f_frsize


if __name__ == "__main__":
    sys.exit(main())
