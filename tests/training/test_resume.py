"""A run that is killed at any step and resumed ends with the very weights of one left alone."""

import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from lightning.pytorch import Callback
from safetensors.torch import load_file

from stgraph.errors import OptionError
from stgraph.settings.training import train
from stgraph.training import fitting
from tests.training.conftest import SMALL

# 12 pairs a batch: five batches an epoch, three epochs; validation after each.
SIZE = (
    "data.loader.batch_size=12",
    "data.loader.captions_per_video=1",
    "data.loader.captions_per_epoch=1",
    "trainer.max_epochs=3",
    "trainer.check_val_every_n_epoch=1",
    "resume_every=2",
)


class Killed(Exception):
    """Stands for SIGKILL: nothing behind it is run."""


class KillAfter(Callback):
    """Counts the steps that begin, and ends the run at one."""

    def __init__(self, steps):
        self.steps, self.begun = steps, 0

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if self.begun == self.steps:
            raise Killed
        self.begun += 1


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.fixture
def alone(tiny, tmp_path):
    return weights(train(tiny(*SIZE, f"run={tmp_path / 'alone'}")))


def kill_after(steps, monkeypatch):
    original, counter = fitting.make_trainer, KillAfter(steps)
    monkeypatch.setattr(
        fitting,
        "make_trainer",
        lambda callbacks, **options: original(callbacks=[*callbacks, counter], **options),
    )
    return counter


@pytest.mark.parametrize("steps", [3, 5, 6, 9, 10, 14])
def test_stopped_at_any_step_and_resumed_gives_the_same_bits(steps, alone, tiny, tmp_path, monkeypatch):
    """Inside an epoch, at its last batch, at the first of the next; training goes on in this process for speed."""
    run = tmp_path / "killed"
    with monkeypatch.context() as patched:
        kill_after(steps, patched)
        with pytest.raises(Killed):
            train(tiny(*SIZE, f"run={run}"))
    with monkeypatch.context() as patched:
        counter = kill_after(None, patched)
        train(tiny(*SIZE, f"run={run}", "resume=true"))
    assert_equal(weights(run), alone)
    assert 0 <= steps + counter.begun - 15 <= 2  # redone: at most resume_every


@pytest.mark.parametrize("steps", [3, 4, 8])
def test_a_step_of_several_batches_is_never_resumed_in_its_middle(steps, tiny, tmp_path, monkeypatch):
    """Gradients of the batches before would be lost; five batches make steps of 2, 2 and 1."""
    two, runs = (*SIZE, "trainer.accumulate_grad_batches=2", "resume_every=1"), tmp_path / "runs"
    train(tiny(*two, f"run={runs / 'alone'}"))
    with monkeypatch.context() as patched:
        kill_after(steps, patched)
        with pytest.raises(Killed):
            train(tiny(*two, f"run={runs / 'killed'}"))
    train(tiny(*two, f"run={runs / 'killed'}", "resume=true"))
    last = [runs / name / "checkpoints" / "last.ckpt" for name in ("alone", "killed")]
    found, expected = (torch.load(path, weights_only=True)["state_dict"] for path in last)
    assert_equal(found, expected)


def test_killed_by_sigkill_and_resumed_gives_the_same_bits(tiny, tmp_path):
    """The real thing: another process, killed without warning once a resume point is there."""
    run, size = tmp_path / "sigkill", (*SIZE, "trainer.max_epochs=40", "trainer.check_val_every_n_epoch=10")
    alone = weights(train(tiny(*size, f"run={tmp_path / 'alone'}")))
    process = subprocess.Popen([sys.executable, "-m", "stgraph.cli", "train", *SMALL, *size, f"run={run}"])
    deadline = time.monotonic() + 120
    while (
        not (run / "checkpoints" / "last.ckpt").exists()
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    time.sleep(random.uniform(0, 1))  # some step or other: at any of them the answer is the same
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    train(tiny(*size, f"run={run}", "resume=true"))
    assert_equal(weights(run), alone)


def test_an_old_run_is_not_overwritten_and_a_missing_one_not_resumed(tiny, tmp_path):
    train(tiny("trainer.max_epochs=1"))
    with pytest.raises(OptionError, match="holds a run already; continue it with resume=true"):
        train(tiny("trainer.max_epochs=1"))
    with pytest.raises(OptionError, match="Nothing to resume at"):
        train(tiny("resume=true", f"run={tmp_path / 'nowhere'}"))


def test_a_resumed_run_keeps_its_settings(tiny):
    folder = train(tiny("trainer.max_epochs=1"))
    before = (folder / "config.yaml").read_text()
    with pytest.raises(OptionError, match="'loss' was .*; resume it unchanged"):
        train(tiny("resume=true", "loss.temperature=2"))
    assert (folder / "config.yaml").read_text() == before
    train(tiny("resume=true", "trainer.max_epochs=2"))  # longer is the same run


def test_lightnings_own_places_cannot_be_overridden(tiny):
    with pytest.raises(OptionError, match="'trainer.logger' is set by stgraph"):
        train(tiny("+trainer.logger=false"))
    with pytest.raises(OptionError, match="'trainer.precision' must be one of .*, got '64-true'"):
        train(tiny("+trainer.precision=64-true"))


def test_ctrl_c_says_how_to_go_on_and_leaves_a_resume_point(tmp_path):
    run = tmp_path / "run"
    endless = [*SMALL, *SIZE, "trainer.max_epochs=5000", "trainer.check_val_every_n_epoch=5000", f"run={run}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "stgraph.cli", "train", *endless],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),  # a shell's "&" has it ignored
    )
    deadline = time.monotonic() + 120
    while not (run / "checkpoints" / "last.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"stgraph train: interrupted; to continue {run}, run the same command with resume=true." in errors
    assert "Traceback" not in errors
    assert not (run / "model.safetensors").exists()
