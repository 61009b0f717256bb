"""The figures as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.ranking.order import KINDS


def page(result: Mapping[str, Any]) -> str:
    """One table per split."""
    seeds = result["seeds"]
    lines = [
        "# Does the ranking loss order frames?",
        "",
        f"`python -m benchmarks.ranking`, {len(seeds)} seeds. Share of pairs of neighbouring real frames that the ranked "
        "vector puts in order, times 100: mean over the words of a video's greedy caption, then over videos, then over "
        "seeds, with Student's 95 % interval over seeds. Untrained: the weights that the runs began with. A vector that "
        "knows nothing of time is right in 50.",
    ]  # fmt: skip
    for split, rows in result["splits"].items():
        lines += [
            "",
            f"## The {split} split",
            "",
            _line("row", "with the loss", "without", "untrained", "with less without, over seeds", "over videos"),
            _line(*["---"] * 6),
        ]  # fmt: skip
        for row, found in rows.items():
            less = found["with less without"]
            lines.append(
                _line(
                    row,
                    *(_shown(found[kind]["over seeds"]) for kind in KINDS),
                    *(_shown(less[over], "+") for over in ("over seeds", "over videos")),
                )
            )
        lines += ["", *(_videos(row, found) for row, found in rows.items())]
    lines += [
        "",
        "Over videos: Student's interval of the differences of all seeds' videos, of these runs as they are; over seeds "
        "also runs and data are drawn anew.",
        "",
    ]
    return "\n".join(lines)


def _videos(row: str, found: Mapping[str, Any]) -> str:
    counts = (
        f"{found['videos']} videos of all seeds, {found['left out']} left out (no two real frames in a row)"
    )
    return f"- {row} against {found['compared with']}: {counts}; by seed " + "; ".join(
        f"{kind} {', '.join(f'{100 * share:.1f}' for share in found[kind]['by seed'].values())}"
        for kind in KINDS
    )


def _shown(ends: Mapping[str, float | None], sign: str = "") -> str:
    """One seed has no interval."""
    shown = {name: None if value is None else f"{100 * value:{sign}.1f}" for name, value in ends.items()}
    return f"{shown['mean']} ({shown['low']} to {shown['high']})" if shown["low"] else str(shown["mean"])


def _line(*values: str) -> str:
    return f"| {' | '.join(values)} |"
