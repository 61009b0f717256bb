"""Two processes that train the cases below together: ``python -m tests.training.ddp_pair FOLDER``.

The first run of the command starts the second process, which runs this file again from the top; from then on both go from
case to case in step, as importing torch anew for each would take longer than the cases.
"""

import json
import sys
from pathlib import Path

from lightning.pytorch import Callback
from omegaconf import OmegaConf

from stgraph.cli import main as command
from stgraph.settings.compose import compose
from stgraph.settings.training import train
from stgraph.training import CaptioningModule, fitting
from tests.training.conftest import SMALL

# 120 pairs of 60 videos an epoch; a video's two captions are apart, in one batch or in two.
COMMON = (
    *SMALL,
    "model.dropout=0",
    "data.loader.captions_per_video=1",
    "data.loader.captions_per_epoch=2",
    "trainer.max_epochs=2",
    "trainer.check_val_every_n_epoch=1",
)
REWARDED = (
    "reinforce=published",
    "reinforce.from_epoch=1",
    "reinforce.metrics.METEOR=0",
    "reinforce.metrics.CIDEr=1",
)
FEATURES = ("loss.feature_weight=4", "loss.detach_teacher=false")
ONE_EPOCH = ("trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1")
TWO = ("trainer.devices=2", "trainer.strategy=ddp")
# name -> (settings of two processes, those of the one process that they must equal)
CASES = {
    "uneven": (("data.loader.batch_size=28",), ("data.loader.batch_size=28",)),
    "features": (("data.loader.batch_size=28", *FEATURES), ("data.loader.batch_size=28", *FEATURES)),
    "accumulated": (
        ("data.loader.batch_size=28", "trainer.accumulate_grad_batches=3", *FEATURES),
        ("data.loader.batch_size=84", *FEATURES),  # 3 x 28; the last step of an epoch has 28 + 8
    ),
    "rewarded": (  # each video's caption is drawn once a step, whoever holds it
        ("data.loader.batch_size=28", "trainer.accumulate_grad_batches=3", *REWARDED),
        ("data.loader.batch_size=84", *REWARDED),
    ),
    "rewarded_learned": (  # the baseline learns from both processes' captions
        ("data.loader.batch_size=28", *REWARDED, "reinforce.baseline=learned"),
        ("data.loader.batch_size=28", *REWARDED, "reinforce.baseline=learned"),
    ),
    "one_left": (  # one process has nothing to do in the last batch
        ("data.loader.batch_size=119", *FEATURES),
        ("data.loader.batch_size=119", *FEATURES),
    ),
}


def settings(run, *overrides):
    """Plain gradient descent: Adam would blow rounding up to steps where a gradient is all but zero."""
    config = compose("train", [*COMMON, f"run={run}", *overrides])
    config.optimizer = OmegaConf.create({"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1})
    return config


class Killed(Exception):
    """Stands for SIGKILL."""


class KillBefore(Callback):
    """Ends the run before one of its batches."""

    def __init__(self, batch):
        self.batch = batch

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.fit_loop.total_batch_idx == self.batch:
            raise Killed


def killed_and_resumed(run):
    """The accumulated case, killed within the second step of the second epoch and resumed."""
    overrides = (*CASES["accumulated"][0], *TWO, "resume_every=1")
    original = fitting.make_trainer
    fitting.make_trainer = lambda callbacks, **options: original(
        callbacks=[*callbacks, KillBefore(9)], **options
    )
    try:
        train(settings(run, *overrides))
    except Killed:
        fitting.make_trainer = original
    else:
        raise AssertionError("the run was not killed")
    train(settings(run, *overrides, "resume=true"))


def main(folder):
    """Trains all cases; notes which videos this process captioned."""
    score, captioned = CaptioningModule._score, []

    def noted(module, evaluator, captions):
        captioned.append([module.global_rank, sorted(captions)])
        return score(module, evaluator, captions)

    CaptioningModule._score = noted
    # As the user calls it; the exit status tells that the second process does not mind what the first has written.
    assert command(["train", *SMALL, *TWO, *ONE_EPOCH, f"run={folder / 'command'}"]) == 0
    for name, (two, _) in CASES.items():
        train(settings(folder / name, *two, *TWO))
    killed_and_resumed(folder / "resumed")
    (folder / f"captioned-{captioned[0][0]}.json").write_text(json.dumps(captioned))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
