"""Does a graph help on real tracks? ``python -m benchmarks.real_graphs TASK --train DIR [--test DIR]``.

Trains every row with every seed, and prints a table: scores, and differences to the best model without edges with paired
intervals over test videos and over people. A cell that is finished is a file in ``--runs`` and is not computed again.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.real_graphs.captions import command as captions
from benchmarks.real_graphs.cells import CellResult, run_cell, settings_of
from benchmarks.real_graphs.hand_made import BASELINES
from benchmarks.real_graphs.report import by_fold, by_seed, controls, table
from benchmarks.real_graphs.rows import ROWS
from benchmarks.real_graphs.tasks import TASKS, folds_of


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in captions.CAPTION_TASKS:
        captions.main()
        return
    titles = {name: row.title for name, row in ROWS.items()} | {
        name: title for name, (title, _) in BASELINES.items()
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=[*TASKS, *captions.CAPTION_TASKS])
    parser.add_argument("--train", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--test", type=Path, help="folder of the same layout; all of its videos are the test")
    parser.add_argument(
        "--validation",
        action="store_true",
        help="test on the part of the training that settings are chosen on",
    )
    parser.add_argument(
        "--parts",
        type=int,
        help="cut the videos into so many parts and hold out each of them once, in place of people or official splits",
    )
    parser.add_argument(
        "--rows",
        nargs="*",
        choices=titles,
        default=list(titles),
        metavar="ROW",
        help=f"of {', '.join(titles)}",
    )
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument(
        "--epochs", type=int, help="epochs in place of the task's own, for trying the command"
    )
    parser.add_argument(
        "--standardize",
        action=argparse.BooleanOptionalAction,
        help="scale features and velocities to mean 0 and variance 1, or not, in place of the task's own choice",
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/real_graphs"), help="folder of finished cells"
    )
    parser.add_argument("--out", type=Path, help="folder for TASK.md and TASK.json")
    options = parser.parse_args()
    if options.parts is not None and (options.parts < 2 or options.test is not None):
        parser.error("--parts must be 2 or more, and stand without --test")
    torch.set_num_threads(1)
    task = TASKS[options.task]
    label = options.task
    if options.standardize not in (None, task.standardize):
        task = replace(task, standardize=options.standardize)
        label += "-standardized" if task.standardize else "-unscaled"
    epochs = task.epochs if options.epochs is None else options.epochs
    test = None if options.test is None else task.read(options.test)
    folds = folds_of(task.read(options.train), test, validation=options.validation, parts=options.parts)
    if options.parts is not None:
        label += f"-{options.parts}-parts"
    out = f"{label}-validation" if options.validation else label
    kind = "validation" if options.validation else "held-out" if test is None else "given"
    cells = {}
    for seed in range(options.seeds):
        for name in options.rows:
            if name in ("nearest_neighbour", "constant") and seed:
                continue  # nothing in them is drawn
            path = options.runs / f"{label}-{kind}-{epochs}" / f"{name}-{seed}.npz"
            settings = settings_of(task, options.task, name, folds, epochs)
            found = CellResult.load(path, settings)
            if found is None:
                found = run_cell(task, name, seed, folds, epochs, settings)
                found.save(path)
            cells.setdefault(name, {})[seed] = found
            scores = by_fold({seed: found.predictions}, task.metric)
            print(
                f"{name}, seed {seed}: "
                + ", ".join(f"{fold} {value:.3f}" for fold, value in scores.items())
                + f" ({found.weights} weights, {found.seconds:.0f} s)",
                flush=True,
            )
    predictions = {
        name: {seed: found.predictions for seed, found in seeds.items()} for name, seeds in cells.items()
    }
    edge_free = [name for name in cells if name in ROWS and ROWS[name].kind == "edge-free"]
    rows, best = table(
        titles, predictions, task.metric, edge_free, "people" if options.parts is None else "parts"
    )
    scaling = "have mean 0 and variance 1" if task.standardize else "enter as they are"
    text = f"# {task.title}\n\nFeatures and velocities {scaling}.\n\n{rows}\n"
    if best is not None:
        text += f'\nThe best row without edges is "{titles[best]}".\n'
    changes = {name: row.changed for name, row in ROWS.items() if row.changed is not None}
    if lines := controls(titles, predictions, task.metric, changes):
        text += f"\n{lines}"
    print(f"\n{text}")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{out}.md").write_text(text, encoding="utf-8")
        record = {
            name: {
                "title": titles[name],
                "weights": max(found.weights for found in seeds.values()),
                "seconds": round(sum(found.seconds for found in seeds.values())),
                task.metric: {
                    seed: by_fold({seed: found.predictions}, task.metric) for seed, found in seeds.items()
                },
                "mean over folds": by_seed(predictions[name], task.metric),
            }
            for name, seeds in cells.items()
        }
        (options.out / f"{out}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
