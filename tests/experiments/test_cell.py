"""Reading and writing cells."""

import json

import pytest

from stgraph.errors import DataError
from stgraph.experiments import cell_path, finished_cells, load_cell, save_cell
from tests.experiments.cells import make_cell


def test_a_cell_comes_back_as_it_was_written(tmp_path):
    cell = make_cell(CIDEr=1 / 3)
    path = save_cell(tmp_path, cell)
    assert path == cell_path(tmp_path, "t", "a", 0) == tmp_path / "t" / "a" / "0.json"
    assert load_cell(path) == cell
    assert [file.name for file in path.parent.iterdir()] == ["0.json"]


def test_finished_cells_are_those_of_all_tables_and_nothing_else(tmp_path):
    cells = [make_cell("a", 0), make_cell("a", 1), make_cell("b", 0, table="u")]
    for cell in cells:
        save_cell(tmp_path, cell)
    (tmp_path / "speed.json").write_text("{}")
    (tmp_path / "u" / "b" / "1.json").write_text('{"no": "cell"}')
    assert list(finished_cells(tmp_path)) == cells


def test_none_where_there_is_none_and_an_error_where_one_is_damaged(tmp_path):
    path = save_cell(tmp_path, make_cell())
    assert load_cell(tmp_path / "none.json") is None
    for broken in ("{", json.dumps({**json.loads(path.read_text()), "colour": 1})):
        path.write_text(broken)
        with pytest.raises(DataError, match="remove it to run it again"):
            load_cell(path)
