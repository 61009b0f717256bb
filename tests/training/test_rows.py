"""The rows of the paper's Table 3: each trains, and is what its name says."""

import importlib.resources

import pytest

from stgraph import CaptionPipeline
from stgraph.settings.compose import compose, plain
from stgraph.settings.training import train
from stgraph.training.run import check_model

ROWS = {
    "scene_branch_only": {"branches": ("scene",)},
    "two_branch_concat": {"branches": ("joint",)},
    "two_branch_l2": {"losses": {"features"}},
    "spatial_graph_only": {"kinds": ["SPACE"], "losses": {"distill"}},
    "temporal_graph_only": {"kinds": ["TIME"], "losses": {"distill"}},
    "dense_graph": {"kinds": ["DENSE"], "losses": {"distill"}},
    "full_model": {"kinds": ["SPACE", "TIME"], "losses": {"distill"}},
}

# Rows of STAT and STaTS: what each changes in its model. Those of streams are in tests/commands/test_paper_experiments.py.
OTHERS = {
    "stat_full": {},
    "stat_without_local": {"streams": ["appearance", "motion"]},
    "stat_global_only": {"streams": ["appearance"]},
    "stat_mean_regions": {"spatial": False},
    "stats_full": {},
    "stats_st": {"attention": "st"},
    "stats_ts": {"attention": "ts"},
    **{
        f"stats_pool_{pool}": {"attention": "st", "temporal": pool}
        for pool in ("mean", "lstm", "mean_lstm", "attention", "mean_attention", "ranked", "mean_ranked")
    },
}
STREAMS = ("r152", "r152_c3d", "i3d", "i3d_fl", "i3d_fl_c", "fr", "fr_fl")


def test_there_is_a_file_for_every_row_and_no_other():
    files = importlib.resources.files("stgraph.configs").joinpath("row").iterdir()
    assert {file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")} == {
        *ROWS,
        *OTHERS,
        *(f"stats_{name}" for name in STREAMS),
    }


@pytest.mark.parametrize("row", OTHERS)
def test_a_row_of_another_system_changes_what_it_names_and_makes_a_model(row):
    system = row.partition("_")[0]
    plain_run, changed = (
        plain(compose("train", [f"experiment={system}_paper", *more])) for more in ((), (f"row={row}",))
    )
    assert changed == {**plain_run, "model": plain_run["model"] | OTHERS[row]}
    check_model(changed["model"])


@pytest.mark.parametrize("row", ROWS)
def test_a_row_trains_what_it_says(row, tiny):
    run = train(tiny(f"row={row}", "trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1"))
    captioner, wanted = CaptionPipeline.from_pretrained(run), ROWS[row]
    assert captioner.model.branches == wanted.get("branches", ("scene", "object"))
    if "kinds" in wanted:
        assert [kind.name for kind in captioner.builder.rules] == wanted["kinds"]
    logged = (run / "log" / "version_0" / "metrics.csv").read_text().splitlines()[0].split(",")
    losses = {name.removeprefix("train/") for name in logged if name.startswith("train/")}
    assert losses & {"distill", "features"} == wanted.get("losses", set())
    assert "val/CIDEr" in logged
