"""The outcome of a training run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from stgraph.checking import checked
from stgraph.files import write_text
from stgraph.parsing import RECORD, read_record

__all__ = ["TrainingSummary"]


@checked
@dataclass(frozen=True)
class TrainingSummary:
    """Outcome of a run, stored as ``training.json`` in its folder.

    Args:
        monitor: The value by which the best weights were chosen.
        best: Its best value; None if no validation took place, and the last weights were kept.
        epochs: Epochs that were finished.
        steps: Optimiser steps.
        ended: What ended the training: "max_epochs", "max_steps", "max_time", "patience", "fast_dev_run", "no batches" or
            "a callback".
        resumed_at: Optimiser steps that had been taken when the run was last resumed; None if it never was.
    """

    monitor: str
    best: float | None
    epochs: int
    steps: int
    ended: str | None = None
    resumed_at: int | None = None

    FILE = "training.json"
    __pydantic_config__ = RECORD

    @classmethod
    def load(cls, folder: str | Path) -> TrainingSummary:
        """Reads the summary of a run.

        Raises:
            MissingDataError: If there is no such file.
            DataError: If the file is damaged.
        """
        return read_record(Path(folder) / cls.FILE, cls, "the summary of a training run; train again")

    def save(self, folder: str | Path) -> None:
        """Writes the summary into the folder of a run.

        Raises:
            WriteError: If the file cannot be written.
        """
        write_text(Path(folder) / self.FILE, json.dumps(asdict(self), indent=1) + "\n")

    @property
    def is_trial(self) -> bool:
        """Whether the run only tried a few batches, by Lightning's ``fast_dev_run``."""
        return self.ended == "fast_dev_run"

    def __str__(self) -> str:
        """The numbers on one line."""
        score = [] if self.best is None else [f"best {self.monitor} {self.best:.4g}"]
        return ", ".join([*score, _number(self.epochs, "epoch"), _number(self.steps, "step")])

    def warnings(self) -> list[str]:
        """Sentences about what a user may not expect, such as weights that no validation chose."""
        found = []
        if self.is_trial:
            found.append(
                "fast_dev_run tried a few batches only, so the model is not trained; leave it out to train."
            )
        elif self.steps == 0:
            found.append(
                f"No step was taken ({self.ended} ended the run), so the weights are the initial ones."
            )
        elif self.best is None:
            found.append("No validation took place, so the weights are those of the last step.")
        if self.resumed_at == self.steps and self.ended in ADVICE:
            found.append(f"Nothing was left to train: {ADVICE[self.ended]}.")
        return found


ADVICE = {
    "max_epochs": "the run has as many epochs as max_epochs asks for; set more of them to train longer",
    "max_steps": "the run has as many steps as max_steps asks for; set more of them to train longer",
    "max_time": "the run has used its max_time; set a longer one to train longer",
    "patience": "early stopping had ended the run; set a larger patience to train longer",
}


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
