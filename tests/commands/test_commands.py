"""The command line from a user's view: exit status, one-line errors, written files."""

import json
import shutil
import signal

import h5py
import numpy as np
import pytest

from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.metrics import CaptionEvaluator
from stgraph.pipeline import CaptionPipeline
from tests.training.conftest import SMALL


@pytest.fixture
def call(capsys):
    def run(*arguments):
        status = main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_help_and_wrong_commands(call):
    assert call("--help")[0] == 0
    assert call()[0] == 2
    status, _, error = call("evalute")
    assert (status, error) == (2, "stgraph: there is no command 'evalute'; did you mean 'evaluate'?\n")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "trainer.max_epoch=3",
            "There is no setting 'trainer.max_epoch' (in 'trainer.max_epoch=3'); did you mean 'trainer.max_epochs'?",
        ),
        (
            "batch_size=3",
            "There is no setting 'batch_size' (in 'batch_size=3'); did you mean 'data.loader.batch_size'?",
        ),
        ("data=interaction_tiny", "interaction_tiny"),
        ("seed", "'seed' must be a setting key=value"),
        ("model.hidden_channels=many", "'model.hidden_channels'"),
        ("model.flow=sideways", "'model.flow': input should be"),
        ("loss.temperature=0", "'temperature' must be above 0, got 0"),
        ("graph.spatial=giou", "'graph.spatial'"),
        ("data.dataset.size=huge", "huge"),
        ("data=store", "'data.dataset.captions' must be given"),
    ],
)
def test_wrong_settings_fail_before_anything_starts(call, tmp_path, override, message):
    run = tmp_path / "run"
    status, _, error = call("train", "experiment=demo", "data=interactions_tiny", f"run={run}", override)
    assert status == 1
    assert message in error
    assert error.count("\n") == 1
    assert not run.exists()


def test_evaluate_writes_scores_with_the_split_and_what_they_rest_on(call, folder):
    status, out, _ = call("evaluate", folder, "split=val")
    assert status == 0
    assert "interactions-tiny-seed0, val split (x 100)" in out
    result = json.loads((folder / "evaluation-val-scene.json").read_text())
    assert (result["split"], result["branch"], result["dataset"]) == (
        "val",
        "scene",
        "interactions-tiny-seed0",
    )
    assert set(result["captions"]) == set(open_dataset("interactions", size="tiny").corpus.ids("val"))
    assert set(result["scores"]) == {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr"}
    assert {"commit", "versions", "device", "seed"} <= set(result)
    assert result["bootstrap"] == {"unit": "video", "level": 0.95, "samples": 1000, "seed": 0}
    rows = {line.split("  ")[0]: line.split() for line in out.splitlines()}
    assert rows["scene branch"][2:] == [f"{100 * score:.1f}" for score in result["scores"].values()]
    for end, line in enumerate(out.splitlines()[2:4]):
        shown = [f"{100 * interval[end]:.1f}" for interval in result["intervals"].values()]
        assert line.split()[-len(shown) :] == shown
    for metric, (low, high) in result["intervals"].items():
        assert 0 <= low <= result["scores"][metric] + 1e-9 <= high + 2e-9


def test_meteor_loads_while_captions_are_written(call, folder, monkeypatch):
    done = []
    for owner, name in ((CaptionEvaluator, "warm_up"), (CaptionPipeline, "caption_store")):
        original = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *args, _=(name, original), **more: done.append(_[0]) or _[1](*args, **more)
        )
    assert call("evaluate", folder, "split=val")[0] == 0
    assert done[:2] == ["warm_up", "caption_store"]


def test_caption_prints_a_line_a_video(call, folder):
    ids = open_dataset("interactions", size="tiny").store.ids[:2]
    status, out, _ = call("caption", *ids, "--model", folder, "branch=object")
    assert status == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == list(ids)
    status, out, _ = call("caption", ids[0], "--model", folder, "--json")
    row = json.loads(out)
    assert row["video"] == ids[0]
    assert all(value <= 0 for value in row["log_probs"])


def test_wrong_ids_folders_and_splits_are_named(call, folder, tmp_path):
    known = open_dataset("interactions", size="tiny").store.ids[0]
    status, _, error = call("caption", known[:-1], "--model", folder)
    assert status == 1
    assert known[:-1] in error
    status, _, error = call("evaluate", tmp_path / "nothing")
    assert status == 1
    assert "is not a run: it has no config.yaml" in error
    status, _, error = call("evaluate", folder, "split=val", "branch=middle")
    assert status == 1
    assert "'branch' must be one of ('scene', 'object') for this model, got 'middle'" in error
    status, _, error = call("evaluate", folder, "split=val", "device=gpu9")
    assert status == 1
    assert "'device' must be auto, cpu or a device of this machine, got 'gpu9'" in error
    status, _, error = call("evaluate", folder, "split=testing")
    assert status == 1
    assert "testing" in error


def test_features_that_the_captions_name_but_the_store_lacks_are_listed(call, folder, tmp_path):
    captions = tmp_path / "captions.json"
    captions.write_text(json.dumps({"stranger": {"split": "test", "captions": ["a dog runs"]}}))
    store = open_dataset("interactions", size="tiny").store.path
    data = ["data=store", f"data.dataset.store={store}", f"data.dataset.captions={captions}"]
    status, _, error = call("evaluate", folder, *data)
    assert status == 1
    assert "stranger" in error


def test_paths_with_spaces_commas_and_signs_pass(call, folder, tmp_path):
    odd = tmp_path / "a b, c=[d] {e}"
    odd.mkdir()
    dataset = open_dataset("interactions", size="tiny")
    shutil.copy(dataset.store.path, odd / "s.h5")
    dataset.corpus.save(odd / "c.json")
    data = ["data=store", f"data.dataset.store={odd / 's.h5'}", f"data.dataset.captions={odd / 'c.json'}"]
    assert call("evaluate", folder, "split=val", *data)[0] == 0


def test_a_damaged_store_is_named(call, tmp_path):
    store = tmp_path / "cut.h5"
    store.write_bytes(open_dataset("interactions", size="tiny").store.path.read_bytes()[:3000])
    status, _, error = call("store", "info", store)
    assert status == 1
    assert str(store) in error
    assert error.count("\n") == 1


def test_validate_finds_what_is_wrong(call, tmp_path):
    store = tmp_path / "store.h5"
    shutil.copy(open_dataset("interactions", size="tiny").store.path, store)
    assert call("store", "validate", store)[0] == 0
    with h5py.File(store, "r+") as file:
        file["object/feature"][3, 0] = np.nan
    status, out, _ = call("store", "validate", store)
    assert status == 1
    assert "NaN" in out


@pytest.mark.parametrize("device", ["cuda:99", "mps:9", "gpu"])
def test_a_device_that_is_not_there_is_refused(device, call, folder, tmp_path):
    video = open_dataset("interactions", size="tiny").store.ids[0]
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_bytes(b"never opened")
    for command in (
        ["evaluate", folder, "split=val"],
        ["caption", video, "--model", folder],
        ["extract", tmp_path / "videos", tmp_path / "store.h5", "motion=none", "objects=none"],
    ):
        status, out, error = call(*command, f"device={device}")
        assert (status, out) == (1, "")
        assert f"'device' must be auto, cpu or a device of this machine, got '{device}'" in error
        assert error.count("\n") == 1


@pytest.fixture
def full_disk():
    """Files of this process cannot grow beyond some bytes, which a full disk looks like."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_during_evaluate_is_one_sentence_and_it_goes_on_later(
    call, folder, full_disk, monkeypatch
):
    monkeypatch.setattr("stgraph.commands.evaluate.SAMPLES", 10)
    before = sorted(folder.iterdir())
    full_disk(100)
    status, _, error = call("evaluate", folder, "split=val")
    full_disk(10**9)
    assert status == 1
    assert "No room left for" in error
    assert error.count("\n") == 1
    assert sorted(folder.iterdir()) == before
    assert call("evaluate", folder, "split=val")[0] == 0


@pytest.mark.parametrize("room", [200, 40_000])
def test_a_full_disk_during_train_is_one_sentence_and_it_goes_on_later(room, call, full_disk, tmp_path):
    """At the configuration, and at the first checkpoint."""
    run = tmp_path / "run"
    train = ["train", *SMALL, f"run={run}", "trainer.max_epochs=1"]
    full_disk(room)
    status, _, error = call(*train)
    full_disk(10**9)
    assert status == 1
    assert "No room left for" in error
    assert "Traceback" not in error
    assert not [path.name for path in tmp_path.rglob("*") if path.suffix in (".part", ".lock")]
    assert call(*train)[0] == 0


def test_output_in_a_pipe_is_free_of_progress(call, tmp_path):
    """The progress bar is only for a terminal; nothing is a result of training but its folder."""
    settings = [setting for setting in SMALL if "progress_bar" not in setting]
    settings += [f"run={tmp_path / 'run'}", "trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1"]
    status, out, error = call("train", *settings)
    assert (status, out) == (0, "")
    assert "\r" not in error
    lines = [
        line for line in error.splitlines() if not line.startswith("80 videos in")
    ]  # made if not in the cache
    assert lines[0].startswith(f"Trained {tmp_path / 'run'} (best val/CIDEr")
    assert len(lines) == 2


def test_a_run_in_a_read_only_place_is_one_sentence(call, tmp_path):
    (tmp_path / "file").write_text("a file where a folder is wanted")
    status, _, error = call("train", *SMALL, f"run={tmp_path / 'file' / 'run'}", "trainer.max_epochs=1")
    assert status == 1
    assert error.count("\n") == 1
    assert "cannot be written" in error


@pytest.mark.parametrize(
    ("number", "stopped"),
    [
        (signal.SIGINT, "interrupted"),
        (signal.SIGTERM, "stopped by SIGTERM"),
        (signal.SIGHUP, "stopped by SIGHUP"),
    ],
)
def test_a_signal_ends_with_one_line_that_says_how_to_go_on(number, stopped, call, monkeypatch, tmp_path):
    monkeypatch.setattr("stgraph.commands.store.run", lambda arguments: signal.raise_signal(number))
    unhandled = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, unhandled)
    try:
        status, _, error = call("store", "info", tmp_path)
        assert signal.getsignal(number) is unhandled
    finally:
        signal.signal(number, before)
    assert status == 128 + number
    assert error == f"\nstgraph store: {stopped}; run the same command again to go on.\n"
