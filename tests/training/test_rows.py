"""The rows of the paper's Table 3: each trains, and is what its name says."""

import importlib.resources

import pytest

from stgraph import load_captioner
from stgraph.commands.train import train

ROWS = {
    "scene_branch_only": {"branches": ("scene",)},
    "two_branch_concat": {"branches": ("joint",)},
    "two_branch_l2": {"losses": {"features"}},
    "spatial_graph_only": {"kinds": ["SPACE"], "losses": {"distill"}},
    "temporal_graph_only": {"kinds": ["TIME"], "losses": {"distill"}},
    "dense_graph": {"kinds": ["DENSE"], "losses": {"distill"}},
    "full_model": {"kinds": ["SPACE", "TIME"], "losses": {"distill"}},
}


def test_there_is_a_file_for_every_row_and_no_other():
    files = importlib.resources.files("stgraph.configs").joinpath("row").iterdir()
    assert {file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")} == set(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_trains_what_it_says(row, tiny):
    run = train(tiny(f"row={row}", "trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1"))
    captioner, wanted = load_captioner(run), ROWS[row]
    assert captioner.model.branches == wanted.get("branches", ("scene", "object"))
    if "kinds" in wanted:
        assert [kind.name for kind in captioner.builder.rules] == wanted["kinds"]
    logged = (run / "log" / "version_0" / "metrics.csv").read_text().splitlines()[0].split(",")
    losses = {name.removeprefix("train/") for name in logged if name.startswith("train/")}
    assert losses & {"distill", "features"} == wanted.get("losses", set())
    assert "val/CIDEr" in logged
