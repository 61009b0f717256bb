"""``python -m benchmarks.ranking`` on runs of the tiny data set."""

import json
import statistics

import pytest
import torch

from benchmarks.ranking.__main__ import main
from benchmarks.ranking.order import Pair, untrained
from stgraph import CaptionPipeline
from stgraph.errors import DataError, MissingDataError
from stgraph.inspection import frame_order
from stgraph.settings.compose import compose, saved_config
from stgraph.settings.training import open_data, train

SMALL = (
    "experiment=interactions_stats",
    "data=interactions_tiny",
    *(f"model.{name}_channels=16" for name in ("embedding", "attention", "word", "hidden")),
    "trainer.enable_progress_bar=false",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "trainer.check_val_every_n_epoch=1",
    "data.loader.captions_per_epoch=1",
    "data.loader.batch_size=20",
    "row=stats_pool_ranked",
)
RUNS = {
    "ranked/0": ("loss.ranking_weight=1", "seed=0"),
    "ranked/1": ("loss.ranking_weight=1", "seed=1"),
    "ranked_without/0": ("loss.ranking_weight=0", "seed=0"),
    "ranked_without/1": ("loss.ranking_weight=0", "seed=1"),
    "lstm/0": ("row=stats_pool_lstm", "seed=0"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """As a sweep leaves them; read only."""
    folder = tmp_path_factory.mktemp("runs")
    for name, settings in RUNS.items():
        train(compose("train", [*SMALL, "optimizer.lr=0.02", *settings, f"run={folder / name}"]))
    return folder


def test_figures_are_those_of_the_runs(runs, tmp_path, capsys):
    main(
        ["--runs", str(runs), "--pairs", "ranked:ranked_without", "--seeds", "2", "--results", str(tmp_path)]
    )
    result = json.loads((tmp_path / "order.json").read_text())
    assert {"commit", "versions", "device"} <= result.keys()
    for split in ("test", "val"):
        found = result["splits"][split]["ranked"]
        shares = {
            row: [
                frame_order(
                    CaptionPipeline.from_pretrained(runs / row / seed),
                    open_data(saved_config(runs / row / seed).data),
                    split,
                ).mean
                for seed in "01"
            ]
            for row in ("ranked", "ranked_without")
        }
        assert list(found["with"]["by seed"].values()) == shares["ranked"]
        assert list(found["without"]["by seed"].values()) == shares["ranked_without"]
        less = statistics.mean(a - b for a, b in zip(*shares.values(), strict=True))
        for over in ("over seeds", "over videos"):  # of as many videos each
            ends = found["with less without"][over]
            assert ends["mean"] == pytest.approx(less, abs=1e-4)
            assert ends["low"] < ends["mean"] < ends["high"]
        assert (found["videos"], found["left out"]) == (20, 0)
    page = (tmp_path / "order.md").read_text()
    assert page in capsys.readouterr().out
    assert f"{100 * result['splits']['test']['ranked']['with']['over seeds']['mean']:.1f} (" in page


def test_an_lstm_pool_is_the_ranked_one_without_its_loss(runs):
    left, right = (
        CaptionPipeline.from_pretrained(runs / row / "0").model for row in ("lstm", "ranked_without")
    )
    for ours, theirs in zip(left.parameters(), right.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    orders = [Pair("ranked", row, runs).measure(0)["test"]["without"] for row in ("lstm", "ranked_without")]
    assert orders[0] == orders[1]


def test_untrained_are_the_weights_that_a_run_began_with(runs, tmp_path):
    still = train(compose("train", [*SMALL, "optimizer.lr=0", "seed=1", f"run={tmp_path / 'still'}"]))
    began = CaptionPipeline.from_pretrained(still).model.state_dict()
    made = untrained(CaptionPipeline.from_pretrained(runs / "ranked" / "1"), seed=1).model.state_dict()
    assert all(torch.equal(began[name], value) for name, value in made.items())


def test_runs_that_cannot_be_compared_are_named(runs):
    with pytest.raises(MissingDataError, match=r"no run at .*ranked/7; make it with 'stgraph ablate"):
        Pair("ranked", "ranked_without", runs).measure(7)
    for trained, without in (("ranked", "ranked"), ("lstm", "ranked_without")):
        with pytest.raises(DataError, match="must be alike but for the ranking loss of the first"):
            Pair(trained, without, runs).measure(0)
