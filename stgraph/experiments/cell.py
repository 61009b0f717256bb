"""One cell of a study on disk: a row and a seed, its scores, and all that they rest on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from stgraph.errors import DataError
from stgraph.files import write_text

__all__ = ["Cell", "cell_path", "finished_cells", "load_cell", "save_cell"]


class Cell(BaseModel):
    """Scores of one run, as ``<results>/<table>/<row>/<seed>.json`` holds them.

    Args:
        table, row, seed: Which cell.
        settings_hash: Of all settings that can change a score; those at their defaults are left out, so that an option
            added later does not make old cells stale.
        data_hash: Of captions, splits and features.
        overrides: Settings as they can be given to ``stgraph train``.
        dataset, split, chosen_on: Data set; split of ``scores``; split by which the epoch was chosen.
        tested: The branch that the row is about.
        scores: By branch and metric, on ``split``: fractions of 1, CIDEr unscaled.
        chosen: By branch and metric, on ``chosen_on``.
        epoch, epochs: The epoch that was chosen (from 1), and how many there were.
        seconds: Time by part.
        record: Commit, versions, device.
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


def cell_path(results: Path, table: str, row: str, seed: int) -> Path:
    """Where a cell is kept."""
    return results / table / row / f"{seed}.json"


def save_cell(results: Path, cell: Cell) -> Path:
    """Writes a cell, whole or not at all."""
    path = cell_path(results, cell.table, cell.row, cell.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(cell.model_dump(mode="json"), indent=1) + "\n")
    return path


def load_cell(path: Path) -> Cell | None:
    """Reads a cell; None where there is none.

    Raises:
        DataError: If the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        return Cell.model_validate(json.loads(path.read_text()))
    except (ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{path} is no cell of a study ({first}); remove it, and it is made anew.") from error


def finished_cells(results: Path) -> Iterator[Cell]:
    """All cells of all tables; another table's cell of the same settings and data need not be run again.

    Other files in the folder, such as results of benchmarks that are no tables, are passed over.
    """
    for path in sorted(results.glob("*/*/*.json")):
        try:
            cell = load_cell(path)
        except DataError:
            continue
        if cell is not None:
            yield cell
