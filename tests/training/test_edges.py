"""Every way in which training can end, or cannot begin: a model folder and a sentence, or a sentence alone."""

import multiprocessing
import os
import signal
import time
from datetime import timedelta

import lightning
import pytest
import torch
from lightning.pytorch import Callback

from stgraph import (
    CaptionDataModule,
    CaptioningModule,
    CaptionPipeline,
    VideoGraphBuilder,
    open_dataset,
    train_captioner,
)
from stgraph.cli import main
from stgraph.errors import DataError, OptionError, WorkerError, WriteError
from stgraph.models import registry
from stgraph.training import TrainingSummary
from stgraph.training.run_folder import lock_run
from tests.models.test_captioning_model import Pooled
from tests.training.conftest import SMALL
from tests.training.test_python_face import QUIET


class StopsAt(Callback):
    """Asks the trainer to stop, as a user's callback may."""

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        trainer.should_stop = index == 1


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("interactions", size="tiny")


def data_of(dataset, **options):
    builder = VideoGraphBuilder(max_objects=5)
    options = {"cache": True, "batch_size": 12, "captions_per_epoch": 1, **options}
    return CaptionDataModule.from_dataset(dataset, builder=builder, **options)


@pytest.fixture(scope="module")
def data(dataset):
    """Five batches an epoch."""
    return data_of(dataset)


@pytest.fixture
def train(data, tmp_path, monkeypatch):
    """Options -> the summary of a run of a tiny model in ``tmp_path / "run"``, whose folder is checked."""
    monkeypatch.setattr(registry, "_registered", {"pooled": Pooled})
    monkeypatch.setattr(CaptioningModule, "_caption", lambda *_: None)
    monkeypatch.setattr(CaptioningModule, "_score", lambda *_: {"BLEU-4": 0.0, "CIDEr": 0.5})

    def run(data=data, **options):
        lightning.seed_everything(0, verbose=False)
        train_captioner(Pooled.for_data(data), data, tmp_path / "run", **{**QUIET, **options})
        CaptionPipeline.from_pretrained(tmp_path / "run")
        return TrainingSummary.load(tmp_path / "run")

    return run


NONE, INITIAL, TRIAL = "No validation took place", "No step was taken", "tried a few batches only"
ENDS = {
    "within the first epoch": ({"max_steps": 3}, "max_steps", (0, 3), NONE),
    "at an epoch's end": ({"max_steps": 5}, "max_steps", (1, 5), None),
    "after an epoch's end": ({"max_steps": 6}, "max_steps", (1, 6), None),
    "no step": ({"max_steps": 0}, "max_steps", (0, 0), INITIAL),
    "no epoch": ({"max_epochs": 0}, "max_epochs", (0, 0), INITIAL),
    "one epoch": ({"max_epochs": 1}, "max_epochs", (1, 5), None),
    "no epochs given": ({"max_epochs": -1, "max_steps": 7}, "max_steps", (1, 7), None),
    "no time": ({"max_epochs": 9, "max_time": timedelta(0)}, "max_time", (0, 0), INITIAL),
    "validations too seldom": ({"max_epochs": 1, "check_val_every_n_epoch": 2}, "max_epochs", (1, 5), NONE),
    "no validation to stop on": (
        {"max_epochs": 2, "check_val_every_n_epoch": 5, "patience": 1}, "max_epochs", (2, 10), NONE,
    ),
    "stopped early": ({"max_epochs": 9, "patience": 1}, "patience", (2, 10), None),
    "a trial": ({"fast_dev_run": True}, "fast_dev_run", (1, 1), TRIAL),
    "a trial of two": ({"fast_dev_run": 2}, "fast_dev_run", (1, 2), TRIAL),
    "a callback": ({"max_epochs": 9, "callbacks": StopsAt()}, "a callback", (0, 2), None),
    "no batches": ({"max_epochs": 2, "limit_train_batches": 0}, "no batches", (0, 0), INITIAL),
    "a part of each epoch": ({"max_epochs": 2, "limit_train_batches": 2}, "max_epochs", (2, 4), None),
    "more accumulated than there is": (
        {"max_epochs": 2, "accumulate_grad_batches": 99}, "max_epochs", (2, 2), None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ENDS)
def test_ends_with_a_model_and_says_what_is_unusual(kind, train, caplog):
    options, ended, (epochs, steps), said = ENDS[kind]
    summary = train(**options)
    assert (summary.ended, summary.epochs, summary.steps) == (ended, epochs, steps)
    assert (summary.best is None) == (said is not None)
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("stgraph")]
    assert [said in warning for warning in warnings] == ([] if said is None else [True])


def test_time_that_runs_out_is_followed_by_a_validation(train):
    class Slow(Callback):
        def on_train_batch_start(self, *_):
            time.sleep(0.1)

    summary = train(max_epochs=99, max_time=timedelta(seconds=0.25), callbacks=Slow())
    assert (summary.ended, summary.epochs) == ("max_time", 0)
    assert 1 <= summary.steps <= 3
    assert summary.best == 0.5


def test_one_batch_and_no_validation_split(train, dataset, data, caplog):
    train_only = CaptionDataModule(
        [(data.source.batch([v])[0], data.corpus.captions(v)) for v in data.corpus.ids("train")[:2]],
        builder=data.builder,
    )
    summary = train(train_only, max_epochs=2, patience=3)
    assert (summary.ended, summary.steps, summary.best) == ("max_epochs", 2, None)
    assert NONE in caplog.text


def test_a_trial_is_replaced_by_the_real_run_and_a_model_is_not(train, tmp_path):
    train(fast_dev_run=True)
    assert not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
    assert not train(max_steps=0).is_trial
    with pytest.raises(OptionError, match="holds a trained model already; choose another folder"):
        train(max_epochs=1)
    with pytest.raises(OptionError, match="Nothing to resume at .*; train in another folder"):
        train(max_epochs=1, resume=True)


REFUSED = {
    "max_steps=-5": "must be a non-negative integer",
    "max_epochs=-2": "must be a non-negative integer",
    "max_time=soon": "not a valid duration",
    "max_epoch=3": "has no argument 'max_epoch'; did you mean 'max_epochs'?",
    "limit_val_batches=0": "is set by stgraph",
    "num_sanity_val_steps=1": "is set by stgraph",
    "barebones=true": "is set by stgraph",
    "accumulate_grad_batches=0": "must be an integer of at least 1",
    "val_check_interval=1000": "must be at most 5, the batches of an epoch, got 1000",
    "val_check_interval=00:00:15:00": "validations by the clock",
    "precision=64-true": "'trainer.precision' must be one of",
    "accelerator=abacus": "Lightning's Trainer refuses its arguments",
    "accelerator=cuda": "needs a GPU|refuses its arguments",
    "strategy=nonsense": "Lightning's Trainer refuses its arguments",
}


@pytest.mark.parametrize("setting", REFUSED)
def test_what_lightning_would_refuse_is_refused_before_anything_starts(
    setting, data, tmp_path, capsys, monkeypatch
):
    """In Python and on the command line, in one sentence and without a folder."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    name, _, text = setting.partition("=")
    value = int(text) if text.lstrip("-").isdecimal() else text
    with pytest.raises(OptionError, match=REFUSED[setting]) as refused:
        train_captioner(Pooled.for_data(data), data, tmp_path / "run", **{**QUIET, name: value})
    assert "\n" not in str(refused.value)
    arguments = ["data.loader.batch_size=12", "data.loader.captions_per_epoch=1", f"run={tmp_path / 'run'}"]
    assert main(["train", *SMALL, *arguments, f"++trainer.{name}={text}"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 0}, "'patience' must be at least 1"),
        ({"monitor": "val/METEOR"}, "'monitor' must be one of"),
        ({"monitor": "val/loss"}, "only with validation_captions=True"),
        ({"resume_every": 0}, "'every_n_steps' must be at least 1"),
        ({"schedule": lambda optimizer, steps: None, "max_epochs": -1}, "needs to know the end"),
    ],
)
def test_options_of_the_recipe_that_mean_nothing_are_refused(options, message, train):
    with pytest.raises(OptionError, match=message):
        train(**options)


@pytest.mark.parametrize("setting", ["patience=0", "resume_every=0", "monitor=val/METEOR", "monitor=null"])
def test_settings_that_mean_nothing_are_refused(setting, tmp_path, capsys):
    assert main(["train", *SMALL, f"run={tmp_path / 'run'}", setting]) == 1
    error = capsys.readouterr().err
    assert f"'{setting.partition('=')[0]}': input should be" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_schedule_ends_where_training_ends(train):
    asked = []
    schedule = lambda optimizer, steps: asked.append(steps) or torch.optim.lr_scheduler.ConstantLR(optimizer)  # noqa: E731
    train(max_epochs=2, max_steps=99, schedule=schedule, limit_train_batches=3, accumulate_grad_batches=2)
    assert asked == [4]


def test_weights_that_are_not_finite_are_no_model(train, tmp_path):
    with pytest.raises(DataError, match="Training diverged: the weights .* became NaN or infinite"):
        train(max_epochs=1, check_val_every_n_epoch=2, optimizer=lambda p: torch.optim.SGD(p, lr=1e38))
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_ctrl_c_works_again_after_ctrl_c(train):
    """Lightning ignores SIGINT after the first one, for as long as the process lives."""

    class CtrlC(Callback):
        def on_train_batch_start(self, *_):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            train(max_epochs=1, callbacks=CtrlC())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def _hold(folder, pipe):
    with lock_run(folder):
        pipe.send("locked")
        time.sleep(60)


def test_a_second_training_in_a_folder_is_refused(train, tmp_path):
    """By another process; it is over as soon as that process is, however it ends."""
    parent, child = multiprocessing.Pipe()
    other = multiprocessing.get_context("fork").Process(target=_hold, args=(tmp_path / "run", child))
    other.start()
    assert parent.recv() == "locked"
    with pytest.raises(WorkerError, match=f"is being trained in .*run by process {other.pid} on this"):
        train(max_epochs=1)
    assert not (tmp_path / "run").exists()
    other.kill()
    other.join()
    assert train(max_epochs=1).epochs == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_lock_may_be_taken_again_by_its_holder_only(tmp_path):
    with lock_run(tmp_path / "run"), lock_run(tmp_path / "run"):
        assert (tmp_path / ".run.lock").is_file()
        with lock_run(tmp_path / "run", writes=False):
            pass
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("hook", ["on_train_epoch_start", "on_train_epoch_end", "on_train_end"])
def test_a_disk_that_is_full_is_one_sentence_and_the_run_goes_on_later(hook, train, tmp_path):
    full = Callback()
    error = OSError(28, "No space left on device", str(tmp_path / "run" / "log" / "metrics.csv"))
    setattr(full, hook, lambda *_: (_ for _ in ()).throw(error))
    with pytest.raises(WriteError, match=r"No room left for .*metrics\.csv"):
        train(max_epochs=2, resume_every=1, callbacks=full)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]
    begun = (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
    assert begun == (hook != "on_train_epoch_start")
    assert train(max_epochs=2, resume=begun).epochs == 2
