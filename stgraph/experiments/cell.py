"""One cell of a study on disk: the scores of one row and seed, with everything needed to reproduce them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.files import make_folder, write_text
from stgraph.parsing import read_json

__all__ = ["Cell", "cell_path", "finished_cells", "load_cell", "save_cell"]


@checked
class Cell(BaseModel):
    """Scores of one run, as ``<results>/<table>/<row>/<seed>.json`` holds them.

    Args:
        table: Name of the table.
        row: Name of the row.
        seed: Seed of the run.
        settings_hash: Hash of all settings that can change a score. Defaults are left out, so that adding an option does
            not invalidate old cells.
        data_hash: Hash of captions, splits and features.
        overrides: Settings of the run, as ``stgraph train`` accepts them.
        dataset: Name of the data set.
        split: Split that ``scores`` were measured on.
        chosen_on: Split that the epoch was chosen on.
        tested: Branch that the row reports.
        videos: Number of scored videos.
        scores: Scores on ``split`` by branch and metric, as fractions of 1; CIDEr is unscaled.
        chosen: Scores on ``chosen_on`` by branch and metric.
        epoch: The chosen epoch, counted from 1.
        epochs: Number of epochs trained.
        seconds: Seconds spent in training and in evaluation.
        record: Commit, versions and device.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    row: str
    seed: int
    settings_hash: str
    data_hash: str
    overrides: tuple[str, ...]
    dataset: str
    split: str
    chosen_on: str
    tested: str
    videos: int
    scores: dict[str, dict[str, float]]
    chosen: dict[str, dict[str, float]]
    epoch: int
    epochs: int
    seconds: dict[str, float]
    record: dict[str, Any]


@checked
def cell_path(results: Path, table: str, row: str, seed: int) -> Path:
    """Returns the path of a cell's file."""
    return results / table / row / f"{seed}.json"


@checked
def save_cell(results: Path, cell: Cell) -> Path:
    """Writes a cell atomically and returns its path."""
    path = cell_path(results, cell.table, cell.row, cell.seed)
    make_folder(path.parent)
    write_text(path, json.dumps(cell.model_dump(mode="json"), indent=1) + "\n")
    return path


@checked
def load_cell(path: Path) -> Cell | None:
    """Reads a cell; None if the file does not exist.

    Raises:
        DataError: If the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        return Cell.model_validate(read_json(path))
    except (ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{path} is not a cell of a study ({first}); remove it to run it again.") from error


@checked
def finished_cells(results: Path) -> Iterator[Cell]:
    """Yields the cells of all tables, so that a cell with the same settings and data need not be run twice.

    Other JSON files in the folder, such as benchmark results, are skipped.
    """
    for path in sorted(results.glob("*/*/*.json")):
        try:
            cell = load_cell(path)
        except DataError:
            continue
        if cell is not None:
            yield cell
