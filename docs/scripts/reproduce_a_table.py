"""A table of rows x seeds: run it, kill it, resume it, read it, check a cell, add a row of your own.

    python docs/scripts/reproduce_a_table.py --out runs/table_tutorial [--data FOLDER]

Two rows of the STG-KD paper's Table 3 and two seeds, on 80 generated videos, so that it takes a minute and the figures
mean nothing: the point is the procedure, which is the same for all seven rows on real data. With ``--data`` the videos
are real: FOLDER contains ``detections/ID.json``, ``detections/ID.npz`` and ``clips/captions.json``.

Every step is a function below. A sweep is a command, `stgraph ablate`, because its runs are processes of their own;
what it writes is read back from Python.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import yaml

from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.experiments import Cell, Study, load_cell, mean_interval, paired_interval
from stgraph.features.importers import read_detections_folder
from stgraph.features.store import ExtractorRecord, FeatureStoreWriter

ROWS = ("scene_branch_only", "full_model")
SEEDS = (0, 1)
STGRAPH = [sys.executable, "-m", "stgraph"]

# A sweep takes any setting of `stgraph train` and passes it to all rows. These make the runs short.
SHORT = ["data.loader.batch_size=32", "schedule.warmup_steps=5"]
GENERATED = ["data=interactions_tiny", "trainer.max_epochs=8", "trainer.check_val_every_n_epoch=4"]
REAL = [
    "experiment=interactions_study",  # the default of a sweep; for data that are not generated it must be given
    "data=folder",
    "data.cache=true",
    "graph.score_threshold=0.2",
    "trainer.max_epochs=20",
    "trainer.check_val_every_n_epoch=10",
]

MY_ROWS = """\
title: How many graph layers?
source: A question of my own.
references: [full_model]   # the row that the others are compared with
rows:
  full_model:
    title: 3 layers, as in the paper
    settings: [row=full_model]
  one_layer:
    title: 1 layer
    settings: [model.num_graph_layers=1]
"""


def what_a_table_is() -> Study:
    """Step 1. A table is a YAML file: rows by name, each a title and the settings in which it differs.

    Those of stgraph are in ``stgraph/configs/table``: stgkd (Table 3), stgkd_open (what the paper leaves open),
    stgkd_graph, stgkd_distillation, beyond. ``published`` contains the paper's figures; they are printed only next to
    runs on the paper's own data set. ``references`` are the rows that the others are compared with.
    """
    path = files("stgraph.configs") / "table" / "stgkd.yaml"
    text = path.read_text(encoding="utf-8")
    print("\n".join([*text.splitlines()[:8], "  ..."]))
    study = Study.parse("stgkd", yaml.safe_load(text))
    claim(set(ROWS) <= study.rows.keys(), f"the table has the rows {ROWS}")
    return study


def real_clips(folder: Path, out: Path) -> list[str]:
    """With ``--data``: a store and captions of real clips, as in ``your_own_detections.py``; returns the settings for them.

    Every sweep needs a validation split, by which epochs are chosen. Here it is every fifth training clip.
    """
    store, captions = out / "clips.h5", out / "captions.json"
    videos, label_names = read_detections_folder(folder / "detections")
    records = {name: ExtractorRecord(f"their-{name}", "unknown", {}) for name in ("appearance", "object")}
    with FeatureStoreWriter(store, extractors=records, label_names=label_names) as writer:
        for video in videos:
            writer.add(video)
    given = json.loads((folder / "clips" / "captions.json").read_text(encoding="utf-8"))
    training = sorted(name for name, entry in given.items() if entry["split"] == "train")
    split = {name: entry["split"] for name, entry in given.items()} | dict.fromkeys(training[::5], "val")
    CaptionCorpus(
        {name: VideoCaptions(split[name], tuple(entry["captions"])) for name, entry in given.items()}
    ).save(captions)
    return [*REAL, f"data.dataset.store={store}", f"data.dataset.captions={captions}"]


def kill_it(command: list[str], results: Path) -> dict[Path, bytes]:
    """Step 2. Run the sweep, and kill it (SIGKILL, like a power cut) when the first cell is written.

    ``jobs`` is the number of processes; the default is one per GPU, or one per processor. Every cell is a file, written
    whole or not at all, as soon as its run has ended. (Python may report that it cleaned up semaphores; that is due to
    the kill.)
    """
    show(command)
    process = subprocess.Popen([*STGRAPH, *command])
    while process.poll() is None and not cells_in(results):
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit("The sweep failed; its messages are above.")
    process.kill()
    process.wait()
    kept = {path: path.read_bytes() for path in cells_in(results)}
    print(f"*** killed; there: {', '.join(str(path.relative_to(results)) for path in kept)}")
    claim(bool(kept), "a finished cell survives the kill")
    return kept


def resume(command: list[str], results: Path, kept: dict[Path, bytes]) -> None:
    """Step 3. The same command again: finished cells are kept as they are, the interrupted run is resumed or starts anew.

    A cell is kept only if all settings that can change a score are the same (``settings_hash``), and the captions,
    splits and features as well (``data_hash``). Otherwise the command stops with an error, as step 7 shows.
    """
    stgraph(command)
    claim(all(path.read_bytes() == content for path, content in kept.items()), "no finished cell was touched")
    claim(len(cells_in(results)) == len(ROWS) * len(SEEDS), "all cells are there")


def what_a_cell_holds(results: Path) -> None:
    """Step 4. ``RESULTS/TABLE/ROW/SEED.json`` contains the scores by branch and everything that they depend on.

    The files are small and readable, so commit them with your paper. ``overrides`` are the settings as `stgraph train`
    takes them; ``chosen_on`` is the split by which the epoch was chosen, ``split`` the one that is scored; ``record``
    has commit, versions and device.
    """
    cell = cells_of(results, "full_model")[SEEDS[0]]
    score = cell.scores[cell.tested]["CIDEr"]
    print(
        f"{cell.row}, seed {cell.seed}, {cell.dataset}: epoch {cell.epoch} of {cell.epochs}, chosen on {cell.chosen_on}; "
        f"CIDEr {100 * score:.1f} of the {cell.tested} branch on {cell.videos} videos of the {cell.split} split"
    )
    print("  " + " ".join(cell.overrides))
    print(
        f"  commit {cell.record['commit']}; {cell.record['device']}; torch {cell.record['versions']['torch']}"
    )
    claim((cell.chosen_on, cell.split) == ("val", "test"), "epochs are chosen on val, scores are of test")
    claim(
        set(cell.scores) == {"scene", "object"},
        "the full model's object branch is scored as well as the scene branch",
    )


def read_the_table(study: Study, results: Path) -> None:
    """Step 5. Every sweep ends by writing ``table.md``, ``table.tex`` and ``figure.svg`` from all cells that exist.

    Differences are *paired by seed*: row minus reference with seed 0, with seed 1, ... and then their mean and its
    Student interval. With two seeds that interval extends 12.7 standard errors to each side, so it is hardly
    informative, and tables and figure mark such rows: take five. On `interactions` a seed draws the videos, too; on a
    store it draws weights and order only.
    """
    folder = results / "stgkd"
    page, latex = ((folder / name).read_text(encoding="utf-8") for name in ("table.md", "table.tex"))
    print(page)
    print("The same in LaTeX, for the package booktabs:\n" + latex.split("\n\n")[0])
    for row in ROWS:
        scores = [cell.scores[cell.tested]["CIDEr"] for cell in cells_of(results, row).values()]
        own = next(line for line in page.splitlines() if line.startswith(f"| {study.rows[row].title} †"))
        mean = f"{100 * mean_interval(scores).mean:.1f}"
        claim(f"| {mean} ±" in own, f"CIDEr of {row} in the table is the mean of its cells, {mean}")
    claim("</svg>" in (folder / "figure.svg").read_text(encoding="utf-8"), "the figure exists")


def check_a_cell(command: list[str]) -> None:
    """Step 6. ``check=true`` runs cells again in a temporary folder and compares every score with the file.

    The exit status is 1 if one differs by more than 0.001. This is what a reader of your paper does in a fresh clone.
    Sums depend on the number of threads, which is why ``threads`` is fixed, to 1 by default.
    """
    stgraph([*without(command, "rows", "seeds"), "rows=[full_model]", f"seeds=[{SEEDS[-1]}]", "check=true"])


def a_row_of_your_own(command: list[str], results: Path, out: Path) -> None:
    """Step 7. Your own rows are a YAML file of your own, anywhere. ``settings`` are what you would pass to `stgraph train`.

    Under a name of the paper's table other settings are refused, so that they cannot pass for the paper's row. A row
    that is the same run as one of another table in the results folder is taken from there and costs nothing.
    """
    stgraph([*without(command, "rows"), "rows=[full_model]", "model.num_graph_layers=1"], status=1)
    table = out / "my_rows.yaml"
    table.write_text(MY_ROWS, encoding="utf-8")
    print(f"\n{table.name}:\n{MY_ROWS}")
    stgraph([*without(command, "table", "rows"), f"table={table}"])
    one, three = (
        {seed: cell.scores[cell.tested]["CIDEr"] for seed, cell in cells_of(results, row, table.stem).items()}
        for row in ("one_layer", "full_model")
    )
    own_run = out / "runs" / table.stem / "full_model" / str(SEEDS[0])
    claim(own_run.is_symlink(), "the full model was not trained again: its run is a link to the one above")
    found = paired_interval(one, three)
    ends = f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"
    print(f"In Python: 1 layer minus 3 layers, CIDEr {100 * found.mean:+.1f}, 95 % interval {ends}")
    page = (results / table.stem / "table.md").read_text(encoding="utf-8")
    claim(f"{100 * found.mean:+.1f} ({ends})" in page, "the table has the same figures")


def the_papers_own_data(study: Study, out: Path) -> None:
    """Step 8. On MSVD: ``experiment=stgkd_msvd`` replaces the settings above; nothing else changes.

    ``stgraph/configs/experiment/stgkd_paper.yaml`` gives the place in the paper of every value. The data set is then
    called msvd, as in the table's file, so the paper's figures appear next to yours. Here the files do not exist, so
    the command ends by naming the one that it needs.
    """
    captions = out / "yours" / "AllVideoDescriptions.txt"
    dataset = [f"data.dataset.store={out / 'yours' / 'msvd.h5'}", f"data.dataset.captions={captions}"]
    messages = stgraph(["ablate", "table=stgkd", "experiment=stgkd_msvd", "seeds=5", *dataset], status=1)
    print(messages.strip())
    claim(str(captions) in messages, "it asks for the captions, so all settings are right")
    for row in study.rows.values():
        print(f"  published: {row.title:<22} CIDEr {row.published['msvd']['CIDEr']:.1f}")
    print("How to get msvd.h5: docs/scripts/msvd_features_you_have.py")


def show(command: list[str]) -> None:
    print("\n$ stgraph " + shlex.join(command), flush=True)


def stgraph(command: list[str], status: int = 0) -> str:
    """Runs the command line and returns what it wrote to stderr; an unexpected exit status ends the tutorial."""
    show(command)
    ended = subprocess.run([*STGRAPH, *command], stderr=subprocess.PIPE, text=True, check=False)
    if ended.returncode != status:
        print(ended.stderr, file=sys.stderr)
    claim(ended.returncode == status, f"exit status {status}")
    return ended.stderr


def without(command: list[str], *keys: str) -> list[str]:
    return [part for part in command if part.partition("=")[0] not in keys]


def cells_in(results: Path) -> list[Path]:
    return sorted(results.glob("*/*/*.json"))


def cells_of(results: Path, row: str, table: str = "stgkd") -> dict[int, Cell]:
    found = [load_cell(path) for path in sorted((results / table / row).glob("*.json"))]
    return {cell.seed: cell for cell in found if cell is not None}


def claim(holds: bool, what: str) -> None:
    """Ends the tutorial if something that it states does not hold."""
    if not holds:
        raise SystemExit(f"This should hold and does not: {what}.")
    print(f"[holds] {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with detections/ and clips/captions.json")
    parser.add_argument("--out", type=Path, default=Path("runs/reproduce_a_table"))
    chosen = parser.parse_args()
    start = time.monotonic()
    out = chosen.out.absolute() / "tutorial"  # all that this script writes, so that it can be run again
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    results = out / "results"

    study = what_a_table_is()
    data = real_clips(chosen.data, out) if chosen.data else GENERATED
    command = ["ablate", "table=stgkd", f"rows=[{','.join(ROWS)}]", f"seeds={len(SEEDS)}", "jobs=1"]
    command += [*data, *SHORT, f"results={results}", f"runs={out / 'runs'}"]
    kept = kill_it(command, results)
    resume(command, results, kept)
    what_a_cell_holds(results)
    read_the_table(study, results)
    check_a_cell(command)
    a_row_of_your_own(command, results, out)
    the_papers_own_data(study, out)
    print(f"\n{time.monotonic() - start:.0f} s; all is in {out}")


if __name__ == "__main__":
    main()
