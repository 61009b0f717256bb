"""``python -m benchmarks.faithfulness --runs runs/ablate/table``: measures what explanations are worth.

The runs are those of ``stgraph ablate table=benchmarks/faithfulness/table.yaml data=interactions_full seeds=5``. Cells that
are there are kept, so that the command can be stopped and run again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.faithfulness.page import draw, page, summary
from benchmarks.faithfulness.removal import DRAWS, N_STEPS, SHARES, measure_video
from stgraph import CaptionPipeline
from stgraph.errors import MissingDataError
from stgraph.files import write_text
from stgraph.settings.compose import saved_config
from stgraph.settings.training import open_data
from stgraph.training import run_record

SYSTEMS = ("object", "stats", "stat")


def measure(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """Falls of the phrases of the first ``count`` test videos of a run.

    Raises:
        MissingDataError: If there is no such run.
    """
    if not (folder / "model.safetensors").is_file():
        raise MissingDataError(
            f"There is no run at {folder}; make it with 'stgraph ablate table=benchmarks/faithfulness/table.yaml "
            "data=interactions_full seeds=5'."
        )
    captioner = CaptionPipeline.from_pretrained(folder)
    dataset = open_data(saved_config(folder).data)
    captioner.check_extractors(dataset.store.extractors)
    videos = {}
    for video in dataset.corpus.ids("test")[:count]:
        found = measure_video(captioner, dataset.store.read(video), seed)
        videos[video] = _rounded(found)
    settings = {"videos": count, "shares": SHARES, "draws": DRAWS, "n_steps": N_STEPS}
    return {"settings": settings, **run_record(seed), "videos": videos}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 4)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faithfulness", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablate/table"))
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--videos", type=int, default=30, help="test videos per run")
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, choices=SYSTEMS)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/faithfulness"))
    chosen = parser.parse_args(arguments)
    for seed in chosen.seeds:
        for system in chosen.systems:
            file = chosen.results / system / f"{seed}.json"
            if not file.is_file():
                cell = measure(chosen.runs / system / str(seed), seed, chosen.videos)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_text(file, json.dumps(cell, separators=(",", ":")) + "\n")
                print(f"{system}, seed {seed}: {len(cell['videos'])} videos", flush=True)
    cells: dict[str, dict[int, Any]] = {system: {} for system in SYSTEMS}
    for file in sorted(chosen.results.glob("*/*.json")):
        cells[file.parent.name][int(file.stem)] = json.loads(file.read_text())
    found = summary({system: rows for system, rows in cells.items() if rows})
    write_text(chosen.results / "summary.json", json.dumps(found, indent=1) + "\n")
    write_text(chosen.results / "faithfulness.md", page(found))
    draw(found, chosen.results / "figure.svg")
    print(page(found))


if __name__ == "__main__":
    main()
