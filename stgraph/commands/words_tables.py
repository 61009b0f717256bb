"""The tables of ``stgraph words``: means over a model's runs, as Markdown and for a JSON file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stgraph.experiments import MeanInterval, mean_interval
from stgraph.metrics import WordCounts
from stgraph.text import PARTS_OF_SPEECH

__all__ = ["Means", "figure_5", "means_of", "part_table", "record_of"]

CONTENT = ("noun", "verb", "adjective")  # what the pies of STaTS' Fig. 5 show
HEADS = {"words": "words", "distinct": "distinct", "share": "% of all", "right": "% right"}
COUNTS = ("words", "distinct", "top 20")

Means = Mapping[str, Mapping[str, MeanInterval]]
"""By part of speech and measure."""


def means_of(runs: Sequence[WordCounts]) -> Means:
    """Mean and deviation of every measure over the runs of a model."""
    measured = [_measures(counts) for counts in runs]
    return {
        part: {name: mean_interval([run[part][name] for run in measured]) for name in measures}
        for part, measures in measured[0].items()
    }


def figure_5(models: Mapping[str, Means]) -> str:
    """What the figure shows: verbs and nouns on ranks 6 to 25 of both, and shares of nouns, verbs and adjectives."""
    head = ["model", "runs", "verbs of 20", "nouns of 20", *(f"{part} % of the three" for part in CONTENT)]
    rows = []
    for model, parts in models.items():
        ranks = [_shown("top 20", parts[part]) for part in ("verb", "noun")]
        shares = [_shown("share of content", parts[part]) for part in CONTENT]
        rows.append([model, str(parts["noun"]["words"].runs), *ranks, *shares])
    return _markdown([head, *rows])


def part_table(models: Mapping[str, Means]) -> str:
    """Every part of speech that any model says, its models under each other."""
    some = next(iter(models.values()))["noun"]
    names = [name for name in HEADS if name in some]
    said = [part for part in PARTS_OF_SPEECH if any(means[part]["words"].mean for means in models.values())]
    rows = [
        [part, model, *(_shown(name, means[part]) for name in names)]
        for part in said
        for model, means in models.items()
    ]
    return _markdown([["part of speech", "model", *(HEADS[name] for name in names)], *rows])


def record_of(runs: Mapping[Path, WordCounts], means: Means) -> dict[str, Any]:
    """All numbers of a model, and the words on ranks 6 to 25 of each of its runs."""
    return {
        "runs": [str(path) for path in runs],
        "parts": {
            part: {
                name: {"mean": _number(mean.mean), "deviation": _number(mean.deviation)}
                for name, mean in measures.items()
            }
            for part, measures in means.items()
        },
        "ranks 6-25": {str(path): counts.ranked() for path, counts in runs.items()},
    }


def _measures(counts: WordCounts) -> dict[str, dict[str, float]]:
    top = [part for _, part, _ in counts.ranked()]
    found: dict[str, dict[str, float]] = {}
    for part in PARTS_OF_SPEECH:
        found[part] = {
            "words": counts.said(part),
            "distinct": counts.distinct(part),
            "share": counts.share(part),
            "top 20": top.count(part),
        }
        if part in CONTENT:
            found[part]["share of content"] = counts.share(part, CONTENT)
        if counts.right is not None:
            found[part]["right"] = counts.precision(part)
    return found


def _shown(name: str, measures: Mapping[str, MeanInterval]) -> str:
    """Mean and deviation, shares times 100; "-" where a run has nothing to take a share of."""
    value, scale = measures[name], 1 if name in COUNTS else 100
    if math.isnan(value.mean):
        return "-"
    if value.runs == 1:
        return f"{value.mean:.0f}" if name in COUNTS else f"{scale * value.mean:.1f}"
    return f"{scale * value.mean:.1f} ± {scale * value.deviation:.1f}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value  # JSON has no NaN


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)
