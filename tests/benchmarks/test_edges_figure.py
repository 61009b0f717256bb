"""The figure of when edges help: differences from A = I with the same features and pool."""

import pytest

from benchmarks.ablation.edges_figure import FEATURES, GRAPHS, POOLS, differences, draw
from stgraph.experiments.plan import study_of
from tests.experiments.cells import make_cell


def test_every_line_of_the_figure_is_a_row_of_the_table():
    study, _ = study_of(["table=edges"])
    rows = {
        f"{part}_{graph}_{pool}" for part in FEATURES for graph in (*GRAPHS, "identity") for pool in POOLS
    }
    assert rows == study.rows.keys()
    for row in rows:
        part, pool = row.split("_")[0], row.split("_")[-1]
        assert study.rows[row].references == (f"{part}_identity_{pool}",)


def test_differences_are_paired_by_seed(tmp_path):
    def row(*scores):
        return {
            seed: make_cell(seed=seed).model_copy(update={"scores": {"object": {"CIDEr": score}}})
            for seed, score in enumerate(scores)
        }

    cells = {
        "motion_identity_mean": row(2.0, 3.0),
        "motion_track_mean": row(2.5, 3.5, 9.0),
        "appearance_track_mean": row(1.0),
    }
    found = differences(cells, "CIDEr")
    assert found.keys() == {("motion", "track", "mean")}
    assert found["motion", "track", "mean"].mean == pytest.approx(0.5)
    assert "along tracks" in draw(cells, tmp_path / "edges.svg").read_text(encoding="utf-8")
