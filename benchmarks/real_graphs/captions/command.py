"""The command of the caption tasks: ``python -m benchmarks.real_graphs TASK --train DIR [--test DIR]``."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.real_graphs.captions.baselines import BASELINES, plain_examples
from benchmarks.real_graphs.captions.cells import CaptionCell, run_cell
from benchmarks.real_graphs.captions.data import Clips, Fold, Frames, Source, folds_of
from benchmarks.real_graphs.captions.report import METRICS, Scores, by_fold, mean_score, table
from benchmarks.real_graphs.captions.rows import BOXES, SYSTEMS, CaptionRow
from stgraph.files import write_text
from stgraph.metrics import CaptionEvaluator


@dataclass(frozen=True)
class CaptionTask:
    """A caption task.

    Args:
        title: What is captioned.
        read: Reads a folder; a test folder is read like that of the training.
        rows: Rows that are trained.
        reference: Kind of the rows among which the best is what the others are compared with; None takes the baselines.
        references: What the best of them is called.
    """

    title: str
    read: Callable[..., Source]
    rows: Mapping[str, CaptionRow]
    reference: str | None
    references: str


CAPTION_TASKS = {
    "msrvtt-caption": CaptionTask(
        "MSR-VTT: captions of real videos from features of whole frames",
        Frames,
        SYSTEMS,
        None,
        "the best row without training",
    ),
    "cad120-caption": CaptionTask(
        "CAD-120: sentences about clips from tracked boxes, on a person never seen",
        Clips,
        BOXES,
        "edge-free",
        "the best row without edges",
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains every row with every seed and prints the table; a finished cell is not computed again."""
    options = _options(arguments)
    torch.set_num_threads(1)
    task = CAPTION_TASKS[options.task]
    source = task.read(options.train)
    test = None if options.test is None else task.read(options.test, source)
    folds = folds_of(source, test, validation=options.validation)
    kind = "validation" if options.validation else "held-out" if test is None else "given"
    folder = options.runs / "-".join(
        [options.task, kind, *([] if options.epochs is None else [str(options.epochs)])]
    )
    evaluators = {fold.name: _evaluator(fold) for fold in folds}
    cells: dict[str, dict[int, CaptionCell]] = {}
    scores: dict[str, dict[int, dict[str, Any]]] = {}
    for seed in range(options.seeds):
        for name in options.rows or [*task.rows, *BASELINES]:
            if name in BASELINES and seed:
                cells[name][seed], scores[name][seed] = cells[name][0], scores[name][0]
                continue
            row = task.rows.get(name, name)
            if options.epochs is not None and isinstance(row, CaptionRow):
                row = replace(row, recipe=replace(row.recipe, epochs=options.epochs))
            found = _cell(row, seed, folds, folder / name / f"{seed}.json")
            scored = {fold: evaluators[fold](captions) for fold, captions in found.captions.items()}
            cells.setdefault(name, {})[seed], scores.setdefault(name, {})[seed] = found, scored
            shown = "; ".join(
                f"{fold} " + ", ".join(f"{metric} {found_scores[metric]:.3f}" for metric in METRICS)
                for fold, found_scores in scored.items()
            )
            print(
                f"{name}, seed {seed}: {shown} ({found.weights} weights, {found.seconds:.0f} s)", flush=True
            )
    text = _page(task, cells, scores, evaluators)
    print(f"\n{text}")
    if options.out is not None:
        _write(
            options.out / (f"{options.task}-validation" if options.validation else options.task),
            text,
            cells,
            scores,
        )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_graphs", description=__doc__)
    parser.add_argument("task", choices=CAPTION_TASKS)
    parser.add_argument("--train", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--test", type=Path, help="folder of the same layout; all of its videos are the test")
    parser.add_argument(
        "--validation",
        action="store_true",
        help="test on the part of the training that settings are chosen on",
    )
    names = [*SYSTEMS, *BOXES, *BASELINES]
    parser.add_argument("--rows", nargs="*", choices=names, metavar="ROW", help=f"of {', '.join(names)}")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument(
        "--epochs", type=int, help="epochs in place of each row's own, for trying the command"
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/real_graphs"), help="folder of finished cells"
    )
    parser.add_argument("--out", type=Path, help="folder for TASK.md and TASK.json")
    options = parser.parse_args(arguments)
    known = [*CAPTION_TASKS[options.task].rows, *BASELINES]
    if unknown := [name for name in options.rows or () if name not in known]:
        parser.error(f"{options.task} has no row {unknown[0]}; its rows are {', '.join(known)}")
    return options


def _evaluator(fold: Fold) -> CaptionEvaluator:
    references = {graph.video_id: captions for graph, captions in plain_examples(*fold.test)}
    return CaptionEvaluator(references, METRICS)


def _cell(row: CaptionRow | str, seed: int, folds: Sequence[Fold], path: Path) -> CaptionCell:
    own = row if isinstance(row, str) else row.settings
    content = json.dumps([own, {fold.name: [fold.train[1], fold.test[1]] for fold in folds}])
    settings = hashlib.sha256(content.encode()).hexdigest()[:16]
    found = CaptionCell.load(path, settings)
    if found is None:
        found = run_cell(row, seed, folds, settings)
        found.save(path)
    return found


def _page(
    task: CaptionTask,
    cells: Mapping[str, Mapping[int, CaptionCell]],
    scores: Mapping[str, Scores],
    evaluators: Mapping[str, CaptionEvaluator],
) -> str:
    titles = {name: row.title for name, row in task.rows.items()}
    titles |= {name: title for name, (title, _) in BASELINES.items()}
    controls = {
        name: {
            seed: {
                fold: evaluators[fold](of_another_video(captions, seed))
                for fold, captions in cell.captions.items()
            }
            for seed, cell in of_row.items()
        }
        for name, of_row in cells.items()
        if name in task.rows
    }
    if task.reference is None:
        known = [name for name in scores if name in BASELINES]
    else:
        known = [name for name in scores if name in task.rows and task.rows[name].kind == task.reference]
    best = max(known or list(scores), key=lambda name: mean_score(scores[name], "CIDEr"))
    what = task.references if known else "the best of these rows"
    rows = table(titles, scores, controls, best)
    return f'# {task.title}\n\n{rows}\n\nRows are compared with {what}, "{titles[best]}".\n'


def of_another_video(captions: Mapping[str, str], seed: int) -> dict[str, str]:
    """What the same model says if each video is given the features of another one, by a cycle through all of them."""
    names = np.random.default_rng(seed).permutation(list(captions)).tolist()
    return {name: captions[other] for name, other in zip(names, [*names[1:], names[0]], strict=True)}


def _write(
    path: Path, text: str, cells: Mapping[str, Mapping[int, CaptionCell]], scores: Mapping[str, Scores]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path.with_suffix(".md"), text)
    record = {
        name: {
            "weights": max(cell.weights for cell in of_row.values()),
            "seconds": {seed: cell.seconds for seed, cell in of_row.items()},
            **{
                metric: {seed: by_fold({seed: scores[name][seed]}, metric) for seed in of_row}
                for metric in METRICS
            },
        }
        for name, of_row in cells.items()
    }
    write_text(path.with_suffix(".json"), json.dumps(record, indent=1) + "\n")
