"""Reads a store of one file while it is appended to; every read must be the old or the new store.

Run ``python -m tests.fuzz.readers --seconds 300``; the exit status is 1 if a read was wrong.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections import Counter
from pathlib import Path

from stgraph.features import FeatureStore, FeatureStoreWriter
from tests.features.store.samples import LABELS, assert_same, random_video, records

MOST = 40
"""Videos of a store before it is begun anew."""


def video(number: int):
    return random_video(number, counts=(number % 4, 1, number % 3), clips=1 + number % 3)


def append(path: Path, until: float) -> None:
    """Appends one video after the other, and begins again with a store of one."""
    number = 0
    while time.monotonic() < until:
        target = path if number else path.with_name("first.h5")
        options = {"extractors": records(), "label_names": LABELS, "append": True}
        with FeatureStoreWriter(target, **options) as writer:
            writer.add(video(number))
        if not number:
            target.replace(path)
        number = (number + 1) % MOST


def read(path: Path, until: float, queue) -> None:
    counts: Counter[str] = Counter()
    while time.monotonic() < until:
        try:
            store = FeatureStore(path)
            assert store.ids == tuple(f"video{number}" for number in range(len(store)))
            for number in range(len(store)):
                assert_same(store[f"video{number}"], video(number))
            counts["good"] += 1
        except Exception as error:  # noqa: BLE001  anything is a finding
            counts[f"{type(error).__name__}: {error}"[:120]] += 1
    queue.put(counts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    seconds = parser.parse_args().seconds
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path, queue, until = Path(folder) / "store.h5", context.Queue(), time.monotonic() + seconds
        writer = context.Process(target=append, args=(path, until))
        writer.start()
        while not path.exists():
            time.sleep(0.05)
        readers = [context.Process(target=read, args=(path, until, queue)) for _ in range(2)]
        for process in readers:
            process.start()
        counts = sum((queue.get() for _ in readers), Counter())
        for process in (writer, *readers):
            process.join()
    for outcome, count in counts.most_common():
        print(f"{count:6} {outcome}")
    return 0 if set(counts) == {"good"} else 1


if __name__ == "__main__":
    raise SystemExit(main())
