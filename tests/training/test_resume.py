"""A run that is killed at any step and resumed ends with the very weights of one left alone."""

import signal
import subprocess
import sys
import time

import pytest
import torch
from lightning.pytorch import Callback
from safetensors.torch import load_file

from stgraph.commands.train import train
from stgraph.errors import OptionError
from stgraph.training import fitting
from tests.training.conftest import SMALL

# 12 pairs a batch: five batches an epoch, three epochs; validation after each.
SIZE = (
    "data.loader.batch_size=12",
    "trainer.max_epochs=3",
    "trainer.check_val_every_n_epoch=1",
    "resume_every=2",
)


class Killed(Exception):
    """Stands for SIGKILL: nothing behind it is run."""


class KillAfter(Callback):
    def __init__(self, steps):
        self.steps = steps

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        pl_module.steps_done = getattr(pl_module, "steps_done", 0) + 1
        if pl_module.steps_done > self.steps:
            raise Killed


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.fixture
def alone(tiny, tmp_path):
    return weights(train(tiny(*SIZE, f"run={tmp_path / 'alone'}")))


def kill_after(steps, monkeypatch):
    original = fitting.Trainer
    monkeypatch.setattr(
        fitting,
        "Trainer",
        lambda callbacks, **options: original(callbacks=[*callbacks, KillAfter(steps)], **options),
    )


@pytest.mark.parametrize("steps", [3, 5, 6, 9, 10, 14])
def test_stopped_at_any_step_and_resumed_gives_the_same_bits(steps, alone, tiny, tmp_path, monkeypatch):
    """Inside an epoch, at its last batch, at the first of the next; training goes on in this process for speed."""
    run = tmp_path / "killed"
    with monkeypatch.context() as patched:
        kill_after(steps, patched)
        with pytest.raises(Killed):
            train(tiny(*SIZE, f"run={run}"))
    train(tiny(*SIZE, f"run={run}", "resume=true"))
    assert_equal(weights(run), alone)


def test_killed_by_sigkill_and_resumed_gives_the_same_bits(alone, tiny, tmp_path):
    """The real thing: another process, killed without warning once a resume point is there."""
    run = tmp_path / "sigkill"
    process = subprocess.Popen([sys.executable, "-m", "stgraph.cli", "train", *SMALL, *SIZE, f"run={run}"])
    deadline = time.monotonic() + 120
    while (
        not (run / "checkpoints" / "last.ckpt").exists()
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    train(tiny(*SIZE, f"run={run}", "resume=true"))
    assert_equal(weights(run), alone)


def test_an_old_run_is_not_overwritten_and_a_missing_one_not_resumed(tiny, tmp_path):
    train(tiny("trainer.max_epochs=1"))
    with pytest.raises(OptionError, match="holds a run already; go on with resume=true"):
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
