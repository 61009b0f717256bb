"""``python -m benchmarks.reinforce --runs runs/ablate --seeds 3``: the rewarded metric on validation, before and after.

The runs are those of ``stgraph ablate table=stats_reinforce`` (and ``stat_reinforce``, ``stgkd_reinforce``).
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

from stgraph import CaptionPipeline
from stgraph.errors import MissingDataError
from stgraph.experiments import MeanInterval, mean_interval, paired_interval
from stgraph.metrics import CaptionReward
from stgraph.metrics.rewards import PUBLISHED_WEIGHTS
from stgraph.settings.compose import plain, saved_config
from stgraph.settings.training import open_data
from stgraph.training import run_record

START, LONGER = "cross_entropy", "longer"
TITLES = {
    START: "cross-entropy, the start",
    LONGER: "more cross-entropy, as long",
    "rewarded": "rewards, greedy baseline",
    "rewarded_learned": "rewards, learned baseline",
}
TABLES = ("stats_reinforce", "stat_reinforce", "stgkd_reinforce")
SHOWN = ("rewarded sum", *PUBLISHED_WEIGHTS, "CIDEr")

Scores = dict[int, dict[str, float]]  # by seed
Rewards = dict[int, dict[str, float]]  # of each video, by seed


def measure(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Scores of a run's greedy captions of the validation videos, and the reward of each video.

    "rewarded sum" is the mean reward as in training, one caption at a time; the metrics are those of the whole split.

    Raises:
        MissingDataError: If there is no such run.
    """
    if not (folder / "model.safetensors").is_file():
        raise MissingDataError(f"There is no run at {folder}; make it with 'stgraph ablate table=...'.")
    dataset = open_data(saved_config(folder).data)
    found = CaptionPipeline.from_pretrained(folder).evaluate(dataset, "val")
    worth = CaptionReward(dataset.corpus.references("val"))
    videos = list(found.captions)
    rewards = worth([found.captions[video] for video in videos], videos)
    metrics = {metric: found.scores[metric] for metric in SHOWN[1:]}
    return {"rewarded sum": sum(rewards) / len(rewards), **metrics}, dict(zip(videos, rewards, strict=True))


def over_videos(rows: dict[str, Rewards]) -> dict[str, dict[str, list[float]]]:
    """Differences of the rewarded sum with Student's interval over the videos of all seeds, given these runs."""
    return {
        row: {
            other: _ends(
                mean_interval(
                    [
                        reward - rows[other][seed][video]
                        for seed, rewards in found.items()
                        for video, reward in rewards.items()
                    ]
                )
            )
            for other in (START, LONGER)
            if other != row
        }
        for row, found in rows.items()
        if row != START
    }


def compared(rows: dict[str, Scores]) -> dict[str, Any]:
    """Means with intervals by row, and paired differences to the start and to more cross-entropy."""

    def of(row: str, metric: str) -> dict[int, float]:
        return {seed: scores[metric] for seed, scores in rows[row].items()}

    return {
        row: {
            metric: {
                "seeds": of(row, metric),
                "mean": _ends(mean_interval(list(of(row, metric).values()))),
                **{
                    f"less {other}": _ends(paired_interval(of(row, metric), of(other, metric)))
                    for other in (START, LONGER)
                    if other != row and row != START
                },
            }
            for metric in SHOWN
        }
        for row in rows
    }


def _ends(interval: MeanInterval) -> list[float]:
    return [round(100 * value, 2) for value in (interval.mean, interval.low, interval.high)]


def page(
    tables: dict[str, dict[str, Any]], videos: dict[str, dict[str, dict[str, list[float]]]], seeds: int
) -> str:
    """Tables in Markdown."""
    lines = [
        "# What rewards change",
        "",
        f"`python -m benchmarks.reinforce`: greedy captions of the **validation** videos, {seeds} seeds, figures times 100. "
        '"Rewarded sum" is METEOR + BLEU-4 of one caption at a time, as in training; the others are of the whole split. '
        "Differences are paired by seed, with Student's 95 % interval; those over videos are of these runs as they are. "
        "**Bold** leaves out 0.",
    ]
    for table, rows in tables.items():
        lines += ["", f"## `table={table}`", "", _line("row", *SHOWN), _line(*["---"] * (1 + len(SHOWN)))]
        lines += [
            _line(TITLES[row], *(f"{found[metric]['mean'][0]:.1f}" for metric in SHOWN))
            for row, found in rows.items()
        ]
        for other in (START, LONGER):
            lines += [
                _line(f"{TITLES[row]}, less {TITLES[other]}", *(_signed(found[m][f"less {other}"]) for m in SHOWN))
                for row, found in rows.items()
                if row not in (START, other)
            ]  # fmt: skip
        lines += ["", "Rewarded sum, over videos:", ""]
        lines += [
            f"- {TITLES[row]}, less {TITLES[other]}: {_signed(ends)}"
            for row, found in videos[table].items()
            for other, ends in found.items()
        ]
    return "\n".join([*lines, ""])


def _signed(ends: list[float]) -> str:
    text = "{:+.1f} ({:+.1f} to {:+.1f})".format(*ends)
    return f"**{text}**" if ends[1] > 0 or ends[2] < 0 else text


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reinforce", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablate"))
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, ...")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/reinforce"))
    chosen = parser.parse_args(arguments)
    tables: dict[str, dict[str, Any]] = {}
    videos: dict[str, dict[str, dict[str, list[float]]]] = {}
    settings: dict[str, Any] = {}
    for table in chosen.tables:
        rows: dict[str, Scores] = {row: {} for row in TITLES if (chosen.runs / table / row).is_dir()}
        rewards: dict[str, Rewards] = {row: {} for row in rows}
        for row, seed in itertools.product(rows, range(chosen.seeds)):
            folder = chosen.runs / table / row / str(seed)
            rows[row][seed], rewards[row][seed] = measure(folder)
            shown = ", ".join(f"{name} {100 * value:.1f}" for name, value in rows[row][seed].items())
            print(f"{table}/{row}/{seed}: {shown} (val)", flush=True)
            settings[f"{table}/{row}"] = plain(saved_config(folder).get("reinforce"))
        tables[table], videos[table] = compared(rows), over_videos(rewards)
    chosen.output.mkdir(parents=True, exist_ok=True)
    result = {"tables": tables, "over videos": videos, "reinforce": settings, **run_record(0)}
    (chosen.output / "rewards.json").write_text(json.dumps(result, indent=1) + "\n")
    (chosen.output / "rewards.md").write_text(page(tables, videos, chosen.seeds))
    print(page(tables, videos, chosen.seeds))


if __name__ == "__main__":
    main()
