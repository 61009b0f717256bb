"""Exact resume where loops end: between batches and validations, at an epoch's end, after the last step."""

import json
import shutil
import zipfile

import lightning
import pytest
import torch
from lightning.pytorch import Callback
from safetensors.torch import load_file

from stgraph import CaptionDataModule, CaptioningModule, VideoGraphBuilder, open_dataset, train_captioner
from stgraph.errors import DataError, OptionError
from stgraph.training import TrainingSummary, fitting
from tests.models.test_captioning_model import Pooled
from tests.training.test_python_face import QUIET

EVERY = {"resume_every": 2, "check_val_every_n_epoch": 1}
SCORES = (0.5, 0.9, 0.2, 0.3, 0.8, 0.1)  # the best is never the last


class Killed(Exception):
    """Stands for SIGKILL: nothing behind it is run."""


class KillAt(Callback):
    """Ends the run when a hook is called for the nth time."""

    def __init__(self, hook, count):
        self.left = count
        setattr(self, hook, self._called)

    def _called(self, *_):
        self.left -= 1
        if self.left == 0:
            raise Killed


@pytest.fixture(scope="module")
def data():
    """Five batches an epoch."""
    dataset = open_dataset("interactions", size="tiny")
    return CaptionDataModule.from_dataset(
        dataset, builder=VideoGraphBuilder(max_objects=5), cache=True, batch_size=12, captions_per_epoch=1
    )


@pytest.fixture(autouse=True)
def scored(monkeypatch):
    """Scores by optimizer step, which fall and rise; real ones only rise so early. No captions are generated."""
    monkeypatch.setattr(CaptioningModule, "_caption", lambda *_: None)
    monkeypatch.setattr(
        CaptioningModule,
        "_score",
        lambda self, *_: {"BLEU-4": 0.0, "CIDEr": SCORES[self.trainer.global_step % len(SCORES)]},
    )


@pytest.fixture
def train(data):
    """Folder and options -> the trained run of a tiny model."""

    def run(folder, **options):
        lightning.seed_everything(0, verbose=False)
        train_captioner(Pooled.for_data(data), data, folder, **{**QUIET, **options})
        return folder

    return run


def kill_at(monkeypatch, hook, count):
    original = fitting.make_trainer
    monkeypatch.setattr(
        fitting,
        "make_trainer",
        lambda callbacks, **options: original(callbacks=[KillAt(hook, count), *callbacks], **options),
    )


def weights(run):
    return load_file(run / "model.safetensors")


def assert_same_run(run, other):
    found, expected = weights(run), weights(other)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    last, expected = (
        torch.load(each / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for each in (run, other)
    )
    assert all(torch.equal(last[name], expected[name]) for name in expected)
    summary, expected = TrainingSummary.load(run), TrainingSummary.load(other)
    assert (summary.best, summary.epochs, summary.steps) == (
        expected.best,
        expected.epochs,
        expected.steps,
    )


KINDS = {
    "epochs": {**EVERY, "max_epochs": 3},
    "steps": {**EVERY, "max_epochs": -1, "max_steps": 13},
    "validations within epochs": {**EVERY, "max_epochs": 2, "val_check_interval": 2},
    "validations across epochs": {
        "resume_every": 1, "max_epochs": 2, "val_check_interval": 3, "check_val_every_n_epoch": None,
    },
    "early stopping": {**EVERY, "max_epochs": 6, "patience": 1},
    "early stopping within an epoch": {**EVERY, "max_epochs": 2, "val_check_interval": 2, "patience": 1},
}  # fmt: skip
KILLS = {
    "epochs": [("on_train_batch_start", 6), ("on_train_end", 1)],
    "steps": [("on_train_batch_start", 6), ("on_train_end", 1)],
    "validations within epochs": [
        ("on_train_batch_start", 3), ("on_train_batch_start", 5), ("on_validation_start", 2), ("on_train_end", 1),
    ],
    "validations across epochs": [("on_validation_start", 2), ("on_train_batch_start", 7)],
    "early stopping": [("on_train_end", 1)],
    "early stopping within an epoch": [("on_train_end", 1)],
}  # fmt: skip
CASES = [(kind, *kill) for kind, kills in KILLS.items() for kill in kills]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The runs of each kind that are left alone, trained once."""
    return {"folder": tmp_path_factory.mktemp("alone")}


@pytest.fixture
def alone(finished, train):
    def run(kind):
        if kind not in finished:
            finished[kind] = train(finished["folder"] / kind, **KINDS[kind])
        return finished[kind]

    return run


@pytest.mark.parametrize(("kind", "hook", "count"), CASES)
def test_killed_and_resumed_equals_a_run_left_alone(kind, hook, count, alone, train, tmp_path, monkeypatch):
    expected = alone(kind)
    with monkeypatch.context() as patched:
        kill_at(patched, hook, count)
        with pytest.raises(Killed):
            train(tmp_path, **KINDS[kind])
    assert_same_run(train(tmp_path, **KINDS[kind], resume=True), expected)


@pytest.mark.parametrize("steps", [1, 5, 6])
def test_a_run_that_ended_anywhere_goes_on_as_if_it_had_not(steps, alone, train, tmp_path):
    run = train(tmp_path, **EVERY, max_steps=steps)
    assert (TrainingSummary.load(run).steps, TrainingSummary.load(run).epochs) == (steps, steps // 5)
    assert_same_run(train(run, **KINDS["epochs"], resume=True), alone("epochs"))


def test_a_complete_run_stays_as_it_is(train, tmp_path, caplog):
    run = train(tmp_path, **KINDS["epochs"])
    before = weights(run)
    train(run, **KINDS["epochs"], resume=True)
    assert "Nothing was left to train" in caplog.text
    for bound in ({"max_epochs": 2}, {"max_epochs": 1}, {"max_steps": 14}):
        with pytest.raises(OptionError, match="the run has reached (3|15) already"):
            train(run, **EVERY, **bound, resume=True)
    assert all(torch.equal(value, before[name]) for name, value in weights(run).items())
    assert TrainingSummary.load(run).best == pytest.approx(0.8)  # of step 10


def test_a_larger_patience_goes_on(train, tmp_path):
    train(tmp_path, **EVERY, max_epochs=5, patience=1)
    stopped = TrainingSummary.load(tmp_path)
    assert stopped.ended == "patience"
    assert stopped.epochs < 5
    train(tmp_path, **EVERY, max_epochs=5, patience=9, resume=True)
    assert TrainingSummary.load(tmp_path).epochs == 5


def test_a_moved_run_goes_on(train, tmp_path, alone):
    """Lightning stores the absolute path of the best weights, and forgets their score where it has changed."""
    run, moved = train(tmp_path / "there", **EVERY, max_epochs=2), tmp_path / "elsewhere" / "here"
    moved.parent.mkdir()
    shutil.move(run, moved)
    assert_same_run(train(moved, **KINDS["epochs"], resume=True), alone("epochs"))
    assert not run.exists()


class Payload:
    """Unpickling it would run code."""

    def __reduce__(self):
        return (print, ("this was run",))


def _flip(path):
    """Changes a byte in the middle of the largest tensor; only its checksum shows it."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    content = bytearray(path.read_bytes())
    content[largest.header_offset + 100 + largest.file_size // 2] ^= 0x01
    path.write_bytes(content)


def _set(path, name, value):
    content = torch.load(path, weights_only=True)
    content[name] = value
    torch.save(content, path)


def _nan(path):
    content = torch.load(path, weights_only=True)
    next(iter(content["state_dict"].values())).view(-1)[0] = float("nan")
    torch.save(content, path)


def _set_best(path, name, value):
    content = torch.load(path, weights_only=True)
    next(state for state in content["callbacks"].values() if name in state)[name] = value
    torch.save(content, path)


SPOILT = {
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:3000]), "is damaged"),
    "empty": (lambda path: path.write_bytes(b""), "is damaged"),
    "one bit": (_flip, "is damaged"),
    "code": (lambda path: torch.save({"state_dict": Payload()}, path), "is damaged"),
    "other things": (lambda path: torch.save([1, 2], path), "is damaged"),
    "no loops": (lambda path: torch.save({"state_dict": {}}, path), "has no 'optimizer_states'"),
    "another model": (lambda path: _set(path, "state_dict", {"a": torch.ones(2)}), "is of another model"),
    "not a number": (_nan, "holds NaN or infinity"),
    "no score": (
        lambda path: _set_best(path, "best_model_score", [1.0]),
        "the score 'best_model_score' must be a number",
    ),
    "no path": (
        lambda path: _set_best(path, "best_model_path", torch.ones(2)),
        "'best_model_path' must be the path of a file",
    ),
    "strange loops": (lambda path: _set(path, "loops", {"fit_loop": 1}), "cannot be resumed from"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_checkpoint_is_refused_in_one_sentence(kind, alone, train, tmp_path, capfd):
    run = shutil.copytree(alone("epochs"), tmp_path / "run")
    before = (run / "model.safetensors").read_bytes()
    spoil, message = SPOILT[kind]
    spoil(run / "checkpoints" / "last.ckpt")
    with pytest.raises(DataError, match=message) as refused:
        train(run, **EVERY, max_epochs=4, resume=True)
    assert "weights_only" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "this was run" not in capfd.readouterr().out
    assert (run / "model.safetensors").read_bytes() == before


def test_missing_and_damaged_best_weights_are_refused(alone, train, tmp_path):
    """Their absence used to be taken for a run without validation."""
    run = shutil.copytree(alone("epochs"), tmp_path / "run")
    best = run / "checkpoints" / "best.ckpt"
    best.write_bytes(best.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"best\.ckpt is damaged"):
        train(run, **KINDS["epochs"], resume=True)
    best.unlink()
    with pytest.raises(DataError, match="the weights of the best validation, is missing"):
        train(run, **KINDS["epochs"], resume=True)


def test_an_older_summary_is_read(tmp_path):
    (tmp_path / "training.json").write_text(
        json.dumps({"monitor": "val/CIDEr", "best": 0.5, "epochs": 2, "steps": 9})
    )
    assert str(TrainingSummary.load(tmp_path)) == "best val/CIDEr 0.5, 2 epochs, 9 steps"
