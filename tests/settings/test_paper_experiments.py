"""experiment=stgkd_msvd and stgkd_msrvtt: they match section 4.3 of the paper and run when only paths are given."""

import json

import pytest

from stgraph import CaptionPipeline
from stgraph.cli import main
from stgraph.settings.compose import compose, plain, saved_config
from stgraph.settings.training import open_data
from stgraph.training.run import check_model
from tests.features.store.samples import random_video, write

PATHS = ("data.dataset.store=s.h5", "data.dataset.captions=c.txt")


def settings(*overrides):
    return plain(compose("train", [*overrides, *PATHS]))


@pytest.mark.parametrize(("data", "min_count"), [("msvd", 1), ("msrvtt", 3)])
def test_every_number_of_the_paper(data, min_count):
    found = settings(f"experiment=stgkd_{data}")
    assert found["data"]["dataset"]["name"] == data
    assert (found["data"]["min_count"], found["data"]["max_length"]) == (min_count, 20)
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
def test_they_run_with_paths_alone(tmp_path, caplog):
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
    assert "1 videos of the store have no captions and are left out: 'vid1302'." in caplog.text
    dataset = open_data(saved_config(run).data)  # what evaluate and caption open
    assert (dataset.name, dataset.corpus.references("test")) == (
        "msvd",
        {"vid1301": ["a dog runs to vid1301", "a dog runs"]},
    )
    captioner = CaptionPipeline.from_pretrained(run)
    assert captioner.default_branch == "scene"
    assert [found.video_id for found in captioner.caption_store(dataset.store, ["vid1302"])] == ["vid1302"]


@pytest.mark.parametrize("data", ["msvd", "msrvtt"])
def test_every_number_of_stats_released_code(data):
    found = settings(f"experiment=stat_{data}")
    assert found["data"]["dataset"]["name"] == data
    reading = {
        "num_frames": 28,
        "sampling": "chunks",
        "min_count": 1,
        "max_vocabulary": 20_000 - 2,  # the code counts the end mark and the unknown word
        "max_length": 30,
        "long_captions": "drop",
    }
    assert reading.items() <= found["data"].items()
    assert (found["data"]["loader"]["batch_size"], found["data"]["loader"]["captions_per_video"]) == (32, 1)
    assert found["model"] == {
        "name": "stat",
        "streams": ["appearance", "motion", "object"],
        "spatial": True,
        "stream_channels": 1024,
        "attention_channels": 1024,
        "word_channels": 512,
        "hidden_channels": 1024,
        "dropout": 0.5,
        "initialization": "released",
        "exclude_padding": True,
        "input_norm": None,  # not in the paper, off
        "input_dropout": 0.0,
    }
    assert (found["graph"]["max_objects"], found["graph"]["score_threshold"]) == (8, 0.0)
    assert (found["graph"]["spatial"], found["graph"]["temporal"]) == (None, None)
    assert found["loss"] == {
        "name": "stat",
        "weight_decay": 1e-4,
        "attention_weight": 0.70602,
        "label_smoothing": 0.0,
    }
    optimizer = found["optimizer"]
    assert (optimizer["_target_"], optimizer["rho"], optimizer["eps"]) == ("torch.optim.Adadelta", 0.95, 1e-6)
    trainer = {
        "gradient_clip_val": 10,
        "max_epochs": 500,
        "val_check_interval": 2000,
        "check_val_every_n_epoch": None,
    }
    assert trainer.items() <= found["trainer"].items()
    assert (found["monitor"], found["patience"]) == ("val/loss", 21)  # stops at the 21st bad one


@pytest.mark.parametrize(("data", "min_count"), [("msvd", 1), ("msrvtt", 3)])
def test_every_number_of_stats_with_ranked_attention(data, min_count):
    found = settings(f"experiment=stats_{data}")
    assert found["data"]["dataset"]["name"] == data
    assert (found["data"]["min_count"], found["data"]["max_length"], found["data"]["num_frames"]) == (
        min_count,
        20,
        None,
    )
    assert found["data"]["loader"]["batch_size"] == 32
    sizes = {
        "embedding_channels": 512,
        "attention_channels": 128,
        "word_channels": 256,
        "hidden_channels": 512,
    }
    choices = {
        "attention": "stats",
        "temporal": "mean_ranked",
        "frame_temperature": 0.1,
        "ranking_margin": 1.0,
    }
    assert {**sizes, **choices}.items() <= found["model"].items()
    assert found["model"]["streams"] == ["grid/i3d", "grid/i3d_flow"]
    assert found["model"]["categories"] == (data == "msrvtt")
    assert found["graph"]["max_objects"] == 10
    assert found["loss"] == {
        "name": "stats",
        "ranking_weight": 0.1,
        "sampling_decay": 24.0,
        "label_smoothing": 0.0,
    }
    assert (found["optimizer"]["_target_"], found["optimizer"]["lr"]) == ("torch.optim.RMSprop", 1e-4)
    assert found["trainer"]["max_epochs"] == 20
    rewards = found["reinforce"]
    assert (rewards["from_epoch"], rewards["weight"], rewards["loss_weight"]) == (10, 1.0, 1.0)
    assert rewards["baseline"] == "greedy"
    assert rewards["metrics"] == {"METEOR": 1.0, "BLEU-4": 1.0, "ROUGE-L": 0.0, "CIDEr": 0.0}


def test_rows_of_tables_3_and_4_are_their_streams():
    streams = {
        "stats_r152": ["appearance"],
        "stats_r152_c3d": ["appearance", "motion"],
        "stats_i3d": ["grid/i3d"],
        "stats_i3d_fl": ["grid/i3d", "grid/i3d_flow"],
        "stats_i3d_fl_c": ["grid/i3d", "grid/i3d_flow"],
        "stats_fr": ["object"],
        "stats_fr_fl": ["object", "grid/i3d_flow"],
    }
    for row, wanted in streams.items():
        model = settings("experiment=stats_msrvtt", f"row={row}")["model"]
        assert (model["streams"], model["categories"]) == (wanted, row == "stats_i3d_fl_c"), row
        check_model(model)  # a model with boxes and grid cells


def test_the_loss_follows_the_model():
    for model in ("stgkd", "stat", "stats"):
        assert plain(compose("train", [f"model={model}"]))["loss"]["name"] == model
