"""Mutates the bytes of feature stores and reads them; a crash or a hang ends a process of its own, which is counted.

Run ``python -m tests.fuzz.stores --trials 5000 --seed 1`` for a longer search than that of the tests.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import struct
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import h5py

from stgraph.errors import StgraphError
from stgraph.features import FeatureStore
from stgraph.features.store import merge, validate
from tests.features.store.samples import assert_same, random_video, records, write

SECONDS = 10
"""A trial that takes longer is a hang; an undamaged one takes about 0.05 s."""
EXPECTED = ("refused", "same", "found by validate")
NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, 2**40)


def videos():
    return [random_video(0), random_video(1, counts=(1, 2)), random_video(2, counts=(0, 4, 0))]


def write_version_1(path: Path, chosen: list) -> Path:
    """Writes a store as the first version of the format had it: texts of variable length and no checksums."""
    new = write(path.with_suffix(".new.h5"), chosen)
    with h5py.File(new) as old, h5py.File(path, "w", alignment_threshold=1, alignment_interval=64) as file:
        for name, value in old.attrs.items():
            if name != "checksums":
                file.attrs[name] = value.decode() if isinstance(value, bytes) else value
        file.attrs["version"] = 1

        def copy(name, item):
            if name == "video/id":
                file.create_dataset(name, data=item.asstr()[:].astype(object), dtype=h5py.string_dtype())
            elif isinstance(item, h5py.Dataset):
                file.create_dataset(name, data=item[:])

        old.visititems(copy)
    new.unlink()
    return path


def metadata_of(path: Path) -> list[int]:
    """Positions of all bytes that don't belong to an array: those that say where and what the arrays are."""
    size, arrays = path.stat().st_size, []

    def visit(_, item):
        if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None and item.name != "/video/id":
            arrays.append(range(item.id.get_offset(), item.id.get_offset() + item.nbytes))

    with h5py.File(path) as file:
        file.visititems(visit)
    inside = {position for array in arrays for position in array}
    return [position for position in range(size) if position not in inside]


def mutate(content: bytes, positions: list[int], seed: int) -> bytes:
    """Changes one to three bits, bytes or integers at the given positions."""
    draw, changed = random.Random(seed), bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        place, kind = draw.choice(positions), draw.randrange(4)
        if kind == 0:
            changed[place] ^= 1 << draw.randrange(8)
        elif kind == 1:
            changed[place] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        else:
            size = draw.choice((2, 4, 8))
            number = draw.choice(NUMBERS) % 2 ** (8 * size)
            old = int.from_bytes(changed[place : place + size], "little")
            number = draw.choice((number, (old + draw.choice((-8, -1, 1, 8, 64))) % 2 ** (8 * size)))
            changed[place : place + size] = struct.pack("<Q", number)[: len(changed[place : place + size])]
    return bytes(changed)


def trial(path: Path, expected: list) -> str:
    """Opens, reads, validates and merges a store, and describes the outcome."""
    try:
        store = FeatureStore(path)
        found = [store[video] for video in store.ids]
    except StgraphError as error:
        problems = validate(path)
        return "refused" if problems else f"refused, but validate finds nothing: {error}"[:200]
    try:
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
        same = store.extractors == records() and store.label_names == ("cat", "dog", "person")
    except (AssertionError, KeyError, TypeError):
        same = False
    problems = validate(path)
    target = path.with_name("merged.h5")
    target.unlink(missing_ok=True)
    try:
        merged = merge([path], target)
        for video in merged.ids:
            merged[video]
    except StgraphError as error:
        if not problems:
            return f"merge fails, but validate finds nothing: {error}"[:200]
    if same:
        return "same" if not problems else f"same, but validate reports {problems[0]}"[:200]
    return "found by validate" if problems else "SILENT"


def work(folder: Path, seeds: list[int], store: Path, positions: list[int]) -> None:
    """Runs trials in this process and prints one line of JSON for each."""
    content, expected = store.read_bytes(), videos()
    warnings.simplefilter("ignore")
    for seed in seeds:
        path = folder / "mutated.h5"
        path.write_bytes(mutate(content, positions, seed))
        print(json.dumps([seed, None]), flush=True)
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=sys.__stderr__)
        try:
            outcome = trial(path, expected)
        except BaseException as error:  # noqa: BLE001  anything raised is the result
            outcome = f"RAISED {type(error).__name__}: {error}"[:200]
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps([seed, outcome]), flush=True)


def search(
    seeds: range, *, everywhere: bool = False, make=write, folder: Path | None = None
) -> dict[int, str]:
    """Runs trials in processes of their own; returns the outcome of each seed."""
    outcomes: dict[int, str] = {}
    with tempfile.TemporaryDirectory(dir=folder) as work_folder:
        store = make(Path(work_folder) / "good.h5", videos())
        positions = list(range(store.stat().st_size)) if everywhere else metadata_of(store)
        (Path(work_folder) / "positions.json").write_text(json.dumps(positions))
        left = list(seeds)
        while left:
            arguments = [work_folder, str(store), ",".join(map(str, left))]
            process = subprocess.run(
                [sys.executable, "-m", "tests.fuzz.stores", "--work", *arguments],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            lines = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("[")]
            outcomes |= {seed: outcome for seed, outcome in lines if outcome is not None}
            if lines and lines[-1][1] is None:  # the process ended within this trial
                hung = "Timeout (" in process.stderr
                outcomes[lines[-1][0]] = (
                    f"HANG {_where(process.stderr)}" if hung else f"CRASH {process.returncode}"
                )
            elif not lines:
                raise RuntimeError(process.stderr[-2000:])
            left = [seed for seed in left if seed not in outcomes]
    return outcomes


def findings(outcomes: dict[int, str]) -> dict[int, str]:
    """Leaves out what is as it should be."""
    return {seed: outcome for seed, outcome in outcomes.items() if outcome not in EXPECTED}


def _where(trace: str) -> str:
    return " < ".join(line.strip() for line in trace.splitlines() if line.startswith("  File"))[:200]


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        folder, store, seeds = sys.argv[2:]
        positions = json.loads((Path(folder) / "positions.json").read_text())
        return work(Path(folder), [int(seed) for seed in seeds.split(",")], Path(store), positions)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--everywhere", action="store_true", help="mutate the values of arrays as well")
    parser.add_argument("--version-1", action="store_true", help="stores as the first version wrote them")
    chosen = parser.parse_args()
    seeds = range(chosen.seed, chosen.seed + chosen.trials)
    make = write_version_1 if chosen.version_1 else write
    outcomes = search(seeds, everywhere=chosen.everywhere, make=make)
    counts = Counter(
        outcome if outcome in EXPECTED else outcome.split(":")[0] for outcome in outcomes.values()
    )
    for outcome, count in counts.most_common():
        print(f"{count:6} {outcome}")
    for seed, outcome in sorted(findings(outcomes).items()):
        print(f"seed {seed}: {outcome}")
    return None


if __name__ == "__main__":
    main()
