"""All rows of the speed table, one file after the other, each in a process of its own: ``python -m benchmarks.speed``.

``make bench`` runs it. It writes ``benchmarks/results/speed/<processor>.json`` and the tables of docs/speed.md. With
``--check`` it measures quickly, writes nothing, and fails if a ratio is below half of the one that is committed for this
processor, or of the smallest of all processors if none is.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.speed.measuring import PAGE, RESULTS, device_name, readable, replace_between
from stgraph.files import write_text
from stgraph.training import run_record

FILES = (
    "building",
    "layer",
    "decoding",
    "training",
    "feeding",
    "scoring",
    "rewards",
    "reading",
    "extraction",
)
BEGIN, END = "<!-- table of benchmarks.speed -->", "<!-- end of the table -->"
LEAST_SHARE = 0.5
"""Of a committed ratio; below it something became slow that was quick."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", nargs="+", choices=FILES, default=FILES, help="files to run (default: all)")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--page", type=Path, default=PAGE, help="page whose tables are replaced")
    parser.add_argument("--check", action="store_true", help="compare with committed ratios")
    chosen = parser.parse_args(arguments)
    quick = chosen.quick or chosen.check
    rows, begun = [], time.perf_counter()
    for file in chosen.rows:
        started = time.perf_counter()
        rows += measured(file, quick, chosen.threads)
        print(f"{file}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    record = {
        **run_record(seed=0),
        "device": device_name(),
        "threads": chosen.threads,
        "quick": quick,
        "seconds": round(time.perf_counter() - begun),
        "rows": rows,
        "transformers": version("transformers"),
        "platform": platform.machine(),
    }
    print(table(record))
    if chosen.check:
        return check(rows, committed_ratios(chosen.out, device_name()))
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / f"{device_name()}.json"
    if path.is_file():
        record = with_rows_again(json.loads(path.read_text(encoding="utf-8")), record)
    write_text(path, json.dumps(record, indent=1) + "\n")
    replace_between(chosen.page, BEGIN, END, tables(chosen.out))
    return 0


def with_rows_again(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The record of this processor with the rows of the files that were measured again, and their commit.

    A run of all files, or with another number of threads, is a record of its own.
    """
    again = {file_of(row) for row in now["rows"]}
    if now["threads"] != before["threads"] or {file_of(row) for row in before["rows"]} <= again:
        return now
    fresh = [row for row in now["rows"] if file_of(row) not in {file_of(each) for each in before["rows"]}]
    rows: list[dict[str, Any]] = []
    for row in before["rows"]:
        if file_of(row) not in again:
            rows.append(row)
        elif file_of(row) not in {file_of(each) for each in rows}:
            rows += [each for each in now["rows"] if file_of(each) == file_of(row)]
    measured_again = before.get("measured_again", {}) | dict.fromkeys(sorted(again), now["commit"])
    return before | {"rows": rows + fresh, "measured_again": measured_again}


def file_of(row: dict[str, Any]) -> str:
    """The file that measures a row."""
    return str(row["name"]).partition(",")[0]


def measured(file: str, quick: bool, threads: int) -> list[dict[str, Any]]:
    """The rows of one file."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.speed.{file}", "--threads", str(threads)]
    done = subprocess.run(
        command + ["--quick"] * quick, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def tables(folder: Path) -> str:
    """The table of each processor that is committed."""
    records = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*-cores.json"))]
    return "\n".join(f"### {record['processor']}\n\n{table(record)}" for record in records)


def table(record: dict[str, Any]) -> str:
    """The rows as Markdown."""
    again = "".join(
        f" Rows of {file} again at commit {str(commit)[:10]}."
        for file, commit in record.get("measured_again", {}).items()
    )
    lines = [
        f"Measured on {record['device']}, {record['threads']} thread of torch {record['versions']['torch']}, commit "
        f"{str(record['commit'])[:10]}, in {record['seconds'] / 60:.0f} minutes.{again}",
        "",
        "| work | beside | ours | theirs | times as fast | promised | above the floor | peak memory, ours / theirs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        promise = (
            "" if row["promise"] is None else f"{row['promise']:g}, {'met' if row['met'] else 'not met'}"
        )
        floor = f"{row['ours']['processor'] / row['floor'][0]:.1f}" if row["floor"] else ""
        low, high = row["ratio_spread"]
        peaks = [row[side]["peak_mb"] for side in ("ours", "theirs")]
        peak = " / ".join("" if each is None else f"{each:.0f} MiB" for each in peaks)
        lines.append(
            f"| {row['name'].removesuffix(', ' + row['peer'])}: {row['work']} | {row['peer']} | "
            f"{duration(row, 'ours')} | {duration(row, 'theirs')} | "
            f"{row['ratio']:.2f} ({low:.2f} to {high:.2f}) | {promise} | {floor} | {peak} |"
        )
    return "\n".join(lines) + "\n"


def duration(row: dict[str, Any], side: str) -> str:
    """Time of one side: of the clock that the ratio compares."""
    return readable(row[side]["wall" if row["wall"] else "processor"])


def committed_ratios(folder: Path, device: str) -> dict[str, float]:
    """The ratio of each row that is committed for a processor, or else the smallest that is for any."""
    files = (
        [folder / f"{device}.json"] if (folder / f"{device}.json").is_file() else folder.glob("*-cores.json")
    )
    found: dict[str, float] = {}
    for file in files:
        for row in json.loads(file.read_text(encoding="utf-8"))["rows"]:
            found[row["name"]] = min(row["ratio"], found.get(row["name"], math.inf))
    return found


def check(rows: list[dict[str, Any]], before: dict[str, float]) -> int:
    """Compares ratios with committed ones; 1 if one fell below half."""
    slow = [row for row in rows if row["ratio"] < LEAST_SHARE * before.get(row["name"], 0.0)]
    for row in slow:
        print(
            f"{row['name']}: {row['ratio']:.2f} times as fast as the peer, but {before[row['name']]:.2f} in the committed "
            "table; profile what became slow, or commit a new table with the reason."
        )
    unknown = sorted({row["name"] for row in rows} - before.keys())
    if unknown:
        print(f"Not in the committed table: {', '.join(unknown)}; run 'make bench' and commit the result.")
    return 1 if slow or unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
