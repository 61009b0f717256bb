"""STAT and STaTS are trained, stopped, resumed, scored and used like STG-KD."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stgraph import CaptionPipeline
from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.errors import DataError, OptionError
from stgraph.features import FeatureStoreWriter, GridFeatures
from stgraph.features.store import ExtractorRecord, FeatureStore
from stgraph.graph import graphs_of
from stgraph.settings.compose import compose
from stgraph.settings.training import train
from stgraph.training import recipe
from tests.training.test_resume import Killed, kill_after

COMMON = (
    "data=interactions_tiny",
    "data.dataset.seed=0",
    "graph=none",
    "trainer.enable_progress_bar=false",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=2",
    "data.loader.batch_size=12",
    "data.loader.captions_per_epoch=1",
)
SMALL = {
    "stat": (
        "model=stat",
        "model.stream_channels=8",
        "model.attention_channels=8",
        "model.word_channels=8",
        "model.hidden_channels=8",
        "optimizer=adadelta",
    ),
    "stats": (
        "model=stats",
        "model.embedding_channels=8",
        "model.attention_channels=8",
        "model.word_channels=8",
        "model.hidden_channels=8",
        "optimizer=rmsprop",
    ),
}


def settings(system, run, *overrides):
    return compose("train", [*COMMON, *SMALL[system], f"run={run}", *overrides])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each system; read only."""
    folder = tmp_path_factory.mktemp("systems")
    return {
        system: train(settings(system, folder / system, "monitor=val/loss", "patience=20"))
        for system in SMALL
    }


def logged(run):
    with open(run / "log" / "version_0" / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows if row[name]] for name in rows[0]}


PARTS = {"stat": {"language", "weights", "attention"}, "stats": {"language", "ranking"}}


@pytest.mark.parametrize("system", SMALL)
def test_a_run_leaves_a_model_that_describes_videos(system, runs, capsys):
    log = logged(runs[system])
    assert {name.partition("/")[2] for name in log if name.startswith("train/")} == {"loss", *PARTS[system]}
    assert log["val/loss"][1] < log["val/loss"][0]
    model = CaptionPipeline.from_pretrained(runs[system]).model
    assert (model.name, model.branches) == (system, (system,))
    assert main(["evaluate", str(runs[system]), "split=val"]) == 0
    result = json.loads((runs[system] / f"evaluation-val-{system}.json").read_text())
    assert (result["branch"], result["split"]) == (system, "val")
    capsys.readouterr()
    assert main(["caption", "interactions-0-00000", "--model", str(runs[system])]) == 0
    assert capsys.readouterr().out.startswith("interactions-0-00000\t")
    assert main(["evaluate", str(runs[system]), "branch=scene"]) == 1
    assert f"'branch' must be one of ('{system}',)" in capsys.readouterr().err


@pytest.mark.parametrize("system", SMALL)
def test_stopped_and_resumed_gives_the_same_bits(system, runs, tmp_path, monkeypatch):
    """Sampled words, too, are drawn anew from the step's seed."""
    same = ("monitor=val/loss", "patience=20", "resume_every=2")
    with monkeypatch.context() as patched:
        kill_after(7, patched)
        with pytest.raises(Killed):
            train(settings(system, tmp_path / "run", *same))
    resumed = train(settings(system, tmp_path / "run", *same, "resume=true"))
    found, expected = (load_file(run / "model.safetensors") for run in (resumed, runs[system]))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_what_decides_the_best_epoch_may_not_change_in_between(runs):
    with pytest.raises(OptionError, match="'monitor' was val/loss when the run began, and is val/CIDEr now"):
        train(settings("stat", runs["stat"], "resume=true", "patience=20"))


def test_the_weights_of_the_lowest_validation_loss_are_kept_and_training_stops_there(tmp_path, monkeypatch):
    """The rate is so high that the first validation is the best one."""
    run = tmp_path / "run"
    wild = ("optimizer.lr=300", "trainer.max_epochs=9", "monitor=val/loss", "patience=2", "resume_every=1")
    train(settings("stat", run, *wild))
    losses = logged(run)["val/loss"]
    best = losses.index(min(losses))
    assert len(losses) == best + 3 < 9
    kept = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert kept["epoch"] == best
    weights = load_file(run / "model.safetensors")
    assert all(torch.equal(kept["state_dict"][f"model.{name}"], value) for name, value in weights.items())


def test_the_validation_loss_is_that_of_a_word(runs):
    """Over all captions of the validation split, without dropout, by one batch at a time."""
    captioner, dataset = (
        CaptionPipeline.from_pretrained(runs["stat"]),
        open_dataset("interactions", size="tiny"),
    )
    total, words = 0.0, 0
    for video in dataset.corpus.ids("val"):
        tokens = captioner.tokenizer.encode(dataset.corpus.captions(video))
        graph = graphs_of([dataset.store[video]], captioner.builder, 10)
        with torch.no_grad():
            logits = captioner.model(graph, tokens[:, :-1], torch.zeros(len(tokens), dtype=torch.long))
        scores = logits["stat"].log_softmax(-1)
        for row, caption in enumerate(tokens[:, 1:].tolist()):
            total -= sum(float(scores[row, place, word]) for place, word in enumerate(caption) if word)
            words += sum(word != 0 for word in caption)
    assert min(logged(runs["stat"])["val/loss"]) == pytest.approx(total / words, rel=1e-4)


def test_a_stream_that_is_not_there_or_not_of_the_model_is_named(tmp_path):
    with pytest.raises(OptionError, match="asks for 'grid/i3d' features, but the data have only appearance,"):
        train(settings("stats", tmp_path / "run", "model.streams=[object,grid/i3d]"))
    with pytest.raises(
        OptionError, match=r"must be some of appearance, motion, object for 'stat', got 'grid/i3d'"
    ):
        train(settings("stat", tmp_path / "run", "model.streams=[grid/i3d]"))
    with pytest.raises(OptionError, match="'loss' must be of the model's system, 'stats', got 'stat'"):
        train(settings("stats", tmp_path / "run", "loss=stat"))


def test_a_model_of_one_branch_has_no_teacher(runs, tmp_path):
    with pytest.raises(OptionError, match=r"A teacher needs the branches .* but the model has \['stats'\]"):
        train(settings("stats", tmp_path / "run", f"teacher={runs['stat']}"))


def test_a_name_that_is_no_model_and_a_monitor_that_is_none_are_refused(tmp_path):
    with pytest.raises(
        OptionError, match=r"'model.name' must be one of \['stat', 'stats', 'stgkd'\], got 'tvt'"
    ):
        train(settings("stat", tmp_path / "run", "model.name=tvt"))
    with pytest.raises(
        OptionError, match="'monitor': input should be 'val/CIDEr' or 'val/loss', got 'val/BLEU-4'"
    ):
        train(settings("stat", tmp_path / "run", "monitor=val/BLEU-4"))
    assert set(recipe.MONITORS) == {"val/CIDEr", "val/loss"}


def test_only_streams_that_the_model_reads_must_come_from_its_extractors(tmp_path):
    run = train(
        settings("stat", tmp_path / "run", "model.streams=[appearance,object]", "trainer.max_epochs=1")
    )
    captioner, store = CaptionPipeline.from_pretrained(run), open_dataset("interactions", size="tiny").store
    have = store.extractors
    other = {name: replace(record, name="another") for name, record in have.items()}
    captioner.check_extractors({**have, "motion": other["motion"]})
    for stream in ("appearance", "object"):
        with pytest.raises(DataError, match=f"trained on '{stream}' features .* come from 'another'"):
            captioner.check_extractors({**have, stream: other[stream]})


@pytest.fixture(scope="module")
def gridded(tmp_path_factory):
    """The tiny data set with two grids, of clips, and no boxes -> its settings."""
    folder, dataset = tmp_path_factory.mktemp("gridded"), open_dataset("interactions", size="tiny")
    names = ("grid/rgb", "grid/flow")
    generator = torch.Generator().manual_seed(0)
    with FeatureStoreWriter(
        folder / "s.h5", extractors={name: ExtractorRecord(name, "w", {}) for name in names}
    ) as writer:
        for name in dataset.store.ids:
            video = dataset.store.read(name, ["motion"])
            grids = {
                grid.removeprefix("grid/"): GridFeatures(
                    torch.randn(len(video.clip_start), 4, 3, generator=generator), video.clip_start
                )
                for grid in names
            }
            writer.add(replace(video, motion=None, clip_start=None, grids=grids))
    dataset.corpus.save(folder / "c.json")
    return (
        "data=store",
        f"data.dataset.store={folder / 's.h5'}",
        f"data.dataset.captions={folder / 'c.json'}",
    )


def test_grids_and_categories_reach_the_model_and_the_captions(gridded, tmp_path, capsys):
    base = [setting for setting in COMMON if not setting.startswith("data=") and "dataset" not in setting]
    run = tmp_path / "run"
    chosen = ("model.streams=[grid/rgb,grid/flow]", "model.categories=true", "trainer.max_epochs=1")
    train(compose("train", [*base, *gridded, *SMALL["stats"], *chosen, f"run={run}"]))
    captioner = CaptionPipeline.from_pretrained(run)
    assert captioner.model.config["grid_channels"] == {"grid/rgb": 3, "grid/flow": 3}
    dataset = open_dataset("interactions", size="tiny")
    assert captioner.config.categories == dataset.corpus.categories("train")
    assert main(["evaluate", str(run), "split=val"]) == 0
    result = json.loads((run / "evaluation-val-stats.json").read_text())
    ids = dataset.corpus.ids("val")
    store = FeatureStore(gridded[1].partition("=")[2])
    categories = {video: dataset.corpus[video].category for video in ids}
    said = {
        caption.video_id: caption
        for caption in captioner.caption_store(store, ids, batch_size=3, categories=categories)
    }
    assert {video: caption.text for video, caption in said.items()} == result["captions"]
    without = {caption.video_id: caption for caption in captioner.caption_store(store, ids)}
    assert any(said[video].log_probs != without[video].log_probs for video in ids)
    capsys.readouterr()
    assert main(["caption", ids[0], "--model", str(run)]) == 0
    assert capsys.readouterr().out == f"{ids[0]}\t{said[ids[0]].text}\n"


def test_categories_without_any_are_refused(gridded, tmp_path):
    captions = json.loads(Path(gridded[2].partition("=")[2]).read_text())
    for entry in captions.values():
        entry["category"] = None
    path = tmp_path / "c.json"
    path.write_text(json.dumps(captions))
    chosen = ("model.streams=[grid/rgb]", "model.categories=true", f"data.dataset.captions={path}")
    base = [setting for setting in COMMON if not setting.startswith("data=") and "dataset" not in setting]
    with pytest.raises(OptionError, match="'model.categories' must be false because no training video has"):
        train(compose("train", [*base, *gridded, *SMALL["stats"], *chosen, f"run={tmp_path / 'run'}"]))
