"""Differences between rows over test videos, from the evaluations in their run folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from stgraph.errors import DataError
from stgraph.experiments.cell import Cell
from stgraph.experiments.run_cell import is_run_of
from stgraph.experiments.study import Study
from stgraph.files import write_text
from stgraph.metrics import CaptionScores, Evaluation, PairedDifference, paired_bootstrap
from stgraph.metrics.bootstrap import scores_of_sets
from stgraph.parsing import read_json

__all__ = ["VideoPair", "load_pairs", "pooled_scores", "save_pairs", "video_pairs"]

SAMPLES, SEED = 1000, 0


class VideoPair(BaseModel):
    """Differences of two rows over the test videos of all seeds, times 1.

    Args:
        row: The row.
        reference: The row that it is compared with.
        cells: Hashes of settings and data of both rows' cells, which tell whether the comparison is still theirs.
        videos: Number of resampled units: test videos, those of each seed apart if the seeds have different ones.
        metrics: Difference, interval and p-value by metric.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    row: str
    reference: str
    cells: tuple[str, ...]
    videos: int
    metrics: dict[str, PairedDifference]


def video_pairs(
    study: Study, cells: Mapping[str, Mapping[int, Cell]], runs: Path, saved: Sequence[VideoPair] = ()
) -> tuple[list[VideoPair], list[str]]:
    """Compares each row with its references by a paired bootstrap over the test videos of all common seeds.

    Args:
        study: The table.
        cells: Cells by row and seed, with the rows that show a branch of another row.
        runs: Folder of the runs: ``runs/TABLE/ROW/SEED``.
        saved: Earlier comparisons, kept where the runs are gone and the cells are still the same.

    Returns:
        The comparisons, and the names ``ROW/SEED`` of runs that would be needed and are not there.

    Raises:
        DataError: If two rows captioned different test videos or were scored by different references.
    """
    kept = {(pair.row, pair.reference, pair.cells): pair for pair in saved}
    found, missing = [], dict[str, None]()
    for row in study.rows:
        for reference in study.references_of(row):
            ours, theirs = cells.get(row, {}), cells.get(reference, {})
            seeds = sorted(ours.keys() & theirs.keys())
            if not seeds:
                continue
            both = [(study.rows[name].of or name, each) for name, each in ((row, ours), (reference, theirs))]
            folders = [[runs / study.name / name / str(seed) for seed in seeds] for name, _ in both]
            hashes = tuple(f"{each[s].settings_hash} {each[s].data_hash}" for _, each in both for s in seeds)
            gone = [
                f"{name}/{seed}"
                for (name, each), places in zip(both, folders, strict=True)
                for seed, place in zip(seeds, places, strict=True)
                if not is_run_of(each[seed], place)
            ]
            if not gone:
                a, b = (
                    [_evaluation(each[seed], place) for seed, place in zip(seeds, places, strict=True)]
                    for (_, each), places in zip(both, folders, strict=True)
                )
                _check_same(row, a, reference, b)
                pooled = pooled_scores(a), pooled_scores(b)
                videos = len(next(iter(pooled[0].per_video.values())))
                metrics = paired_bootstrap(*pooled, SAMPLES, seed=SEED)
                found.append(
                    VideoPair(row=row, reference=reference, cells=hashes, videos=videos, metrics=metrics)
                )
            elif pair := kept.get((row, reference, hashes)):
                found.append(pair)
            else:
                missing.update(dict.fromkeys(gone))
    return found, list(missing)


def pooled_scores(evaluations: Sequence[Evaluation]) -> CaptionScores:
    """Scores of the captions of several runs as one set, whose units are videos.

    A test video that all runs captioned is one unit with all its captions; if each run has its own test videos, every video
    of every run is a unit.

    Args:
        evaluations: One per run.
    """
    same = len({each.references for each in evaluations}) == 1
    per_video: dict[str, dict[str, float]] = {}
    statistics: dict[str, dict[str, list[float]]] = {}
    for number, each in enumerate(evaluations):
        for metric, of_videos in each.scores.per_video.items():
            table = per_video.setdefault(metric, {})
            for video, score in of_videos.items():
                unit = video if same else f"{number}/{video}"
                table[unit] = table.get(unit, 0.0) + (score / len(evaluations) if same else score)
        for name, counts in each.scores.statistics.items():
            sums = statistics.setdefault(name, {})
            for video, row in counts.items():
                unit = video if same else f"{number}/{video}"
                sums[unit] = [x + y for x, y in zip(sums.get(unit, [0.0] * len(row)), row, strict=True)]
    scores = CaptionScores(dict(evaluations[0].scores), per_video, statistics)
    once = np.ones((1, len(next(iter(per_video.values())))))
    totals = {metric: float(values[0]) for metric, values in scores_of_sets(scores, once).items()}
    return CaptionScores(totals, per_video, statistics)


def save_pairs(path: Path, pairs: Sequence[VideoPair]) -> None:
    """Writes comparisons as JSON."""
    content = {
        "samples": SAMPLES,
        "level": 0.95,
        "seed": SEED,
        "pairs": [pair.model_dump() for pair in pairs],
    }
    write_text(path, json.dumps(content, indent=1) + "\n")


def load_pairs(path: Path) -> list[VideoPair]:
    """Reads comparisons written by :func:`save_pairs`; an empty list if there is no such file.

    Raises:
        DataError: If the file is damaged.
    """
    if not path.is_file():
        return []
    try:
        return TypeAdapter(list[VideoPair]).validate_python(read_json(path)["pairs"])
    except (KeyError, TypeError, ValidationError) as error:
        raise DataError(
            f"{path} does not hold comparisons over videos ({str(error).splitlines()[0]}); remove it and run the same "
            "command again."
        ) from error


def _evaluation(cell: Cell, folder: Path) -> Evaluation:
    return Evaluation.load(folder / f"evaluation-{cell.split}-{cell.tested}.json")


def _check_same(row: str, a: Sequence[Evaluation], reference: str, b: Sequence[Evaluation]) -> None:
    for one, other in zip(a, b, strict=True):
        alone = sorted(one.captions.keys() ^ other.captions.keys())
        if alone or one.references != other.references:
            reason = (
                f"{len(alone)} test videos are in only one" if alone else "their reference captions differ"
            )
            raise DataError(
                f"The rows '{row}' and '{reference}' cannot be compared over videos: {reason}; give both the same captions "
                "and splits, and stores with the same videos."
            )
