"""How a row of the speed table is measured: ways that take turns, after their outputs were checked equal."""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from stgraph.files import write_text
from stgraph.training.run_record import processor_name

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
RESULTS = Path(__file__).parents[1] / "results" / "speed"
Way = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Seconds of one way, over the rounds.

    Args:
        processor: Median processor seconds of a call.
        spread: Lower and upper quartile of them.
        wall: Median wall-clock seconds.
        peak_mb: Growth of resident memory during one call, in MiB; None where the system does not tell it.
    """

    processor: float
    spread: tuple[float, float]
    wall: float
    peak_mb: float | None


@dataclass(frozen=True)
class Row:
    """A row of the table: a piece of work, ours beside a peer.

    Args:
        name: Short and unique.
        work: What is done.
        peer: What it is compared with.
        ours: Time of stgraph.
        theirs: Time of the peer.
        ratio: Median over the rounds of the peer's time divided by ours, the two taken one after the other.
        ratio_spread: Quartiles of those ratios.
        promise: Least ratio that was promised; None if nothing was.
        floor: Seconds that the arithmetic or the bytes of this work take at the rates of this machine, and which they are.
        wall: Whether the ratio is that of wall-clock seconds.
        more: Further figures.
    """

    name: str
    work: str
    peer: str
    ours: Timing
    theirs: Timing
    ratio: float
    ratio_spread: tuple[float, float]
    promise: float | None
    floor: tuple[float, str] | None
    wall: bool
    more: Mapping[str, Any]

    @property
    def met(self) -> bool | None:
        """Whether the promise holds; None without one."""
        return None if self.promise is None else self.ratio >= self.promise

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "met": self.met}


def compare(
    name: str,
    work: str,
    ours: Way,
    peer: str,
    theirs: Way,
    *,
    rounds: int,
    promise: float | None = None,
    floor: tuple[float, str] | None = None,
    wall: bool = False,
    per: int = 1,
    warm: bool = False,
    **more: Any,
) -> Row:
    """Times two ways that take turns, after one round that warms up unless both were called before.

    Args:
        name: Of the row, as the further texts.
        work: What is done.
        ours: The library.
        peer: Name of the peer.
        theirs: The peer; equality of the outputs is checked by the caller, before.
        rounds: Number of timed rounds.
        promise: Least ratio that was promised.
        floor: See :class:`Row`; for one call, like the times.
        wall: Whether the ratio is that of wall-clock seconds: where one side waits for another process, or the device.
        per: Number of units of a call; times are given per unit.
        warm: Whether both ways have been called already, as for work of many seconds whose outputs were compared.
        more: Further figures of the row.
    """
    seconds: list[list[tuple[float, float]]] = [[], []]
    for turn in range(warm, rounds + 1):
        for found, way in zip(seconds, (ours, theirs), strict=True):
            begun = time.process_time(), time.perf_counter()
            way()
            if turn:
                found.append((time.process_time() - begun[0], time.perf_counter() - begun[1]))
    ratios = [b[wall] / a[wall] for a, b in zip(*seconds, strict=True)]
    mine, other = (_timing(found, way, per) for found, way in zip(seconds, (ours, theirs), strict=True))
    return Row(
        name,
        work,
        peer,
        mine,
        other,
        statistics.median(ratios),
        quartiles(ratios),
        promise,
        floor and (floor[0] / per, floor[1]),
        wall,
        more,
    )


def _timing(found: list[tuple[float, float]], way: Way, per: int) -> Timing:
    processor = [each[0] / per for each in found]
    return Timing(
        statistics.median(processor),
        quartiles(processor),
        statistics.median(each[1] / per for each in found),
        peak_growth(way),
    )


def quartiles(values: list[float]) -> tuple[float, float]:
    """First and third quartile."""
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def peak_growth(way: Way) -> float | None:
    """By how much the resident memory grows at most during a call, in MiB; None outside Linux."""
    try:
        ctypes.CDLL(None).malloc_trim(
            0
        )  # gives freed memory back, which a call would use again without growing
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the recorded peak
        before = _peak()
    except (OSError, AttributeError):
        return None
    way()
    return _peak() - before


def _peak() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def product_rate(dtype: torch.dtype = torch.float32) -> float:
    """Floating-point operations a second of the best of some matrix products of one thread, by MKL or oneDNN."""
    size, best = 1024, math.inf
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    ways: list[Way] = [lambda: a @ b]
    if torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        packed = torch.ops.mkldnn._reorder_linear_weight(b, size)
        ways.append(lambda: torch.ops.mkldnn._linear_pointwise(a, packed, None, "none", [], ""))
    for way in ways:
        for _ in range(8):
            begun = time.process_time()
            way()
            best = min(best, time.process_time() - begun)
    return 2 * size**3 / best


def operations_of(way: Way) -> int:
    """Floating-point operations of the matrix products of a call, those of oneDNN included."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(
        display=False, custom_mapping={torch.ops.mkldnn._linear_pointwise: _operations}
    ) as counter:
        way()
    return counter.get_total_flops()


def _operations(x: Any, weight: Any, *_: Any, out_shape: Any, **__: Any) -> int:
    """Operations of a product whose weights may be packed, so that their own shape says nothing."""
    return 2 * math.prod(out_shape) * x[-1]


def copy_rate() -> float:
    """Bytes a second that one thread copies in memory, far beyond the caches; each byte is read and written."""
    source, best = torch.zeros(1 << 26), math.inf
    target = torch.empty_like(source)
    for _ in range(5):
        begun = time.process_time()
        target.copy_(source)
        best = min(best, time.process_time() - begun)
    return source.nbytes / best


def replace_between(page: Path, begin: str, end: str, text: str) -> None:
    """Puts lines between two markers of a page."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    write_text(page, f"{before}{begin}\n{text}{end}{rest.split(end)[1]}")


def readable(seconds: float) -> str:
    """Seconds in a unit of which there is at least one."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def run_alone(rows: Callable[[bool], list[Row]], description: str | None) -> None:
    """Measures the rows of one file and prints them as JSON: what each file of this folder does as a command."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few rounds, for a check and not for a table")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(json.dumps([row.to_dict() for row in rows(options.quick)], indent=1))


def device_name() -> str:
    """The processor, its vector instructions and the number of its cores, as a file name."""
    words = "".join(each if each.isalnum() else " " for each in processor_name().lower()).split()
    return "-".join([*words, f"{len(os.sched_getaffinity(0))}-cores"])
