"""experiment=stgkd_msvd and stgkd_msrvtt: the numbers of the paper's section 4.3, and that they run with paths alone."""

import json

import pytest

from stgraph import load_captioner
from stgraph.cli import main
from stgraph.commands.configuration import compose, plain, saved_config
from stgraph.commands.train import dataset_of
from tests.features.store.samples import random_video, write

PATHS = ("data.dataset.store=s.h5", "data.dataset.captions=c.txt")


def settings(*overrides):
    return plain(compose("train", [*overrides, *PATHS]))


@pytest.mark.parametrize(("data", "min_count"), [("msvd", 1), ("msrvtt", 3)])
def test_every_number_of_the_paper(data, min_count):
    found = settings(f"experiment=stgkd_{data}")
    assert found["data"]["dataset"]["name"] == data
    assert (found["data"]["min_count"], found["data"]["max_words"]) == (min_count, 20)
    assert found["data"]["num_frames"] == 10
    assert (found["data"]["loader"]["batch_size"], found["data"]["loader"]["captions_per_video"]) == (64, 1)
    assert found["data"]["loader"]["captions_per_epoch"] is None
    model = {
        "hidden_channels": 512,
        "num_graph_layers": 3,
        "num_heads": 8,
        "num_layers": 2,
        "feedforward_channels": 1024,
    }
    assert model.items() <= found["model"].items()
    assert (found["model"]["dropout"], found["model"]["branches"]) == (0.3, ["scene", "object"])
    graph = {"spatial": "iou", "temporal": "cosine", "dense": False, "max_objects": 5, "score_threshold": 0.5}
    assert graph.items() <= found["graph"].items()
    assert found["graph"]["pad_objects"] == 5
    loss = {
        "scene_weight": 1.0,
        "distill_weight": 4.0,
        "distill_direction": "as_printed",
        "detach_teacher": False,
    }
    assert loss.items() <= found["loss"].items()
    assert (found["optimizer"]["_target_"], found["optimizer"]["lr"]) == ("torch.optim.Adam", 1e-4)
    assert found.get("schedule") is None
    assert found["trainer"]["max_epochs"] == 50
    assert not found["trainer"].get("gradient_clip_val")


def test_a_row_changes_what_it_names_and_nothing_else():
    plain_run = settings("experiment=stgkd_msvd")
    changes = {
        "dense_graph": {"graph": {"spatial": None, "temporal": None, "dense": True}},
        "spatial_graph_only": {"graph": {"temporal": None}},
        "two_branch_l2": {"loss": {"distill_weight": 0.0, "feature_weight": 4.0}},
        "scene_branch_only": {"model": {"branches": ["scene"]}},
        "full_model": {},
    }
    for row, groups in changes.items():
        wanted = {**plain_run, **{group: plain_run[group] | values for group, values in groups.items()}}
        assert settings("experiment=stgkd_msvd", f"row={row}") == wanted, row


def test_the_papers_settings_train_on_your_own_videos():
    mine, theirs = settings("experiment=stgkd_paper", "data=folder"), settings("experiment=stgkd_msvd")
    for group in ("model", "graph", "loss", "optimizer", "trainer", "patience"):
        assert mine[group] == theirs[group]
    assert mine["data"]["dataset"]["name"] == "folder"


@pytest.mark.filterwarnings("ignore:This msvd is not the published one")
def test_they_run_with_paths_alone(tmp_path, capsys):
    """Of their own size is tests/real; here the model is small and an epoch is one batch."""
    ids = ["vid1", "vid2", "vid1201", "vid1301", "vid1302"]
    store = write(tmp_path / "a store.h5", [random_video(seed, name=name) for seed, name in enumerate(ids)])
    captions = tmp_path / "captions, all.json"
    captions.write_text(json.dumps({name: [f"a dog runs to {name}", "a dog runs"] for name in ids[:-1]}))
    small = [
        "model.hidden_channels=8",
        "model.num_heads=2",
        "model.feedforward_channels=8",
        "trainer.max_epochs=1",
    ]
    paths = [f"data.dataset.store={store}", f"data.dataset.captions={captions}"]
    quiet = ["trainer.enable_progress_bar=false", "trainer.accelerator=cpu"]
    run = tmp_path / "run"
    assert main(["train", "experiment=stgkd_msvd", *paths, f"run={run}", *small, *quiet]) == 0
    assert "1 videos of the store have no captions: vid1302" in capsys.readouterr().err
    dataset = dataset_of(saved_config(run).data)  # what evaluate and caption open
    assert (dataset.name, dataset.corpus.references("test")) == (
        "msvd",
        {"vid1301": ["a dog runs to vid1301", "a dog runs"]},
    )
    captioner = load_captioner(run)
    assert captioner.default_branch == "scene"
    assert [found.video_id for found in captioner.caption_store(dataset.store, ["vid1302"])] == ["vid1302"]
