"""Reads the checkpoints of a run, and keeps the weights of its best validation."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from stgraph.errors import DataError, OptionError, shown
from stgraph.files import atomic_write

__all__ = [
    "AtomicCheckpointIO",
    "BestWeights",
    "PatientStopping",
    "check_end",
    "check_fits",
    "check_weights",
    "read_checkpoint",
]

PARTS = ("state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks")
"""Entries of a checkpoint that a run can be resumed from."""
SCORES = ("best_model_score", "current_score", "kth_value", "best_score")
"""Entries of the callbacks that hold a score."""
PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")
"""Entries of the callbacks that hold a path."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes each checkpoint whole or not at all, beside the file that it replaces.

    Lightning writes it to the folder of temporary files first, where a kill leaves it, and copies it from there if that is
    another disk.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Saves a checkpoint of a local path; other stores are left to Lightning."""
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        content = io.BytesIO()  # torch hides a full disk in an error of its own
        torch.save(checkpoint, content)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part:
            part.write_bytes(content.getbuffer())


class BestWeights(ModelCheckpoint):
    """Keeps the weights of the best validation in ``best.ckpt``; a moved run finds its own file again.

    Args:
        folder: Folder of the checkpoint.
        monitor: The monitored value.
        mode: "max" or "min".
    """

    def __init__(self, folder: Path, monitor: str, mode: str) -> None:
        super().__init__(
            folder,
            "best",
            monitor=monitor,
            mode=mode,
            save_weights_only=True,
            enable_version_counter=False,
            # After the validation and so before the resume point, which holds the best score so far.
            save_on_train_epoch_end=False,
        )

    @property
    def state_key(self) -> str:
        """The key of Lightning's own class, under which earlier versions stored the state."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the best score; paths are those of this folder.

        Raises:
            DataError: If the weights of the best validation are missing.
        """
        assert self.dirpath is not None
        here = Path(self.dirpath)

        def moved(path: str) -> str:
            return str(here / Path(path).name) if path else path

        state = dict(state_dict, dirpath=self.dirpath)
        for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[name] = moved(state.get(name) or "")
        state["best_k_models"] = {moved(path): score for path, score in state["best_k_models"].items()}
        if state["best_model_path"] and not Path(state["best_model_path"]).is_file():
            raise DataError(
                f"{state['best_model_path']}, the weights of the best validation, is missing; put it back, or train "
                "again in another folder."
            )
        super().load_state_dict(state)


class PatientStopping(EarlyStopping):
    """Early stopping that is decided by validations only, and stays decided when the run is resumed.

    A run may end before its first validation. A resumed run takes the ``patience`` that it is given, not the stored one.

    Args:
        monitor: The monitored value.
        mode: "max" or "min".
        patience: Validations without a better one after which training stops.
    """

    def __init__(self, monitor: str, mode: str, patience: int) -> None:
        super().__init__(monitor, mode=mode, patience=patience, check_on_train_epoch_end=False, strict=False)

    @property
    def state_key(self) -> str:
        """The key of Lightning's own class, under which earlier versions stored the state."""
        return super().state_key.replace(type(self).__qualname__, EarlyStopping.__qualname__, 1)

    @property
    def stopped(self) -> bool:
        """Whether the last ``patience`` validations were not better."""
        return self.wait_count >= self.patience

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores everything but ``patience``."""
        super().load_state_dict({**state_dict, "patience": self.patience})

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Stops a resumed run that had stopped already."""
        if self.stopped:
            trainer.should_stop = True


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint without running any code that it may contain.

    Raises:
        DataError: If the file is damaged, or contains anything but tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            plain = all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
            whole = plain and archive.testzip() is None  # torch itself does not compare the checksums
        content = torch.load(path, map_location="cpu", weights_only=True) if whole else None
    except Exception:  # noqa: BLE001  torch may raise anything, and advises to run the file's code
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
        raise DataError(
            f"{path} is damaged, or is not a checkpoint that stgraph wrote, and was not loaded; put a copy in its place, "
            "or train again in another folder."
        )
    return content


def check_fits(path: Path, checkpoint: Mapping[str, Any], module: torch.nn.Module) -> None:
    """Checks that a run can be resumed from a checkpoint.

    Args:
        path: Named in errors.
        checkpoint: Its content.
        module: What will be trained.

    Raises:
        DataError: If an entry is missing, weights are of another model, or a number is not finite.
    """
    if missing := [name for name in PARTS if name not in checkpoint]:
        raise DataError(f"{path} has no '{missing[0]}', so no run can be resumed from it; train again.")
    step = checkpoint.get("global_step")
    if type(step) is not int or step < 0:
        raise DataError(
            f"{path}: 'global_step' must be a number of steps, got {shown(step, 60)}; train again."
        )
    check_weights(path, checkpoint["state_dict"], module)
    _check_finite(path, "optimizer_states", checkpoint["optimizer_states"])
    _check_callbacks(path, checkpoint.get("callbacks"))


def check_weights(path: Path, weights: Mapping[str, Any], module: torch.nn.Module) -> None:
    """Checks that weights are those of a module: their names, shapes and kinds, and that they are finite.

    Args:
        path: Their file, named in errors.
        weights: The weights by name.
        module: The module that they are for.

    Raises:
        DataError: If a weight is missing, of another shape or kind, or not finite.
    """
    expected = {name: _kind(value) for name, value in module.state_dict().items()}
    found = {name: _kind(value) for name, value in weights.items()}
    for name in sorted(expected.keys() | found.keys(), key=str):
        if expected.get(name) != found.get(name):
            raise DataError(
                f"{path} is of another model: '{name}' is {found.get(name, 'missing')} there and "
                f"{expected.get(name, 'missing')} here; resume a run with the model, the data and the settings that it "
                "began with."
            )
    _check_finite(path, "state_dict", weights)


def _check_callbacks(path: Path, states: Any) -> None:
    """Checks the scores and paths of the callbacks that choose the best weights and end a run early."""
    for state in states.values() if isinstance(states, Mapping) else ():
        if not isinstance(state, Mapping):
            continue
        for name in PATHS:
            if not isinstance(state.get(name, ""), str):
                raise DataError(
                    f"{path}: '{name}' must be the path of a file, got {shown(state[name], 60)}; train again."
                )
        scores = {name: state[name] for name in SCORES if state.get(name) is not None}
        best = state.get("best_k_models")
        scores |= dict(best) if isinstance(best, Mapping) else {}
        for name, score in scores.items():
            try:
                float(score)
            except (TypeError, ValueError, RuntimeError, OverflowError):
                raise DataError(
                    f"{path}: the score '{shown(name)}' must be a number, got {shown(score, 60)}; train again."
                ) from None


def _check_finite(path: Path, name: str, values: Any) -> None:
    if not all(bool(value.isfinite().all()) for value in _tensors(values)):
        raise DataError(
            f"{path} holds NaN or infinity in its '{name}'; train again in another folder, with a lower learning rate."
        )


def check_end(checkpoint: Mapping[str, Any], max_epochs: int | None, max_steps: int) -> None:
    """Checks that a run is not resumed with an earlier end than it has reached.

    Args:
        checkpoint: What the run is resumed from.
        max_epochs: The new end in epochs; None or a negative number sets none.
        max_steps: The new end in optimizer steps; a negative number sets none.

    Raises:
        OptionError: If the run is longer already.
        DataError: If a number is negative.
    """
    try:
        epochs = int(checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
        steps = int(checkpoint["global_step"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return  # Lightning reports it when it restores the loops
    if min(epochs, steps) < 0:
        raise DataError(
            f"The checkpoint has reached {epochs} epochs and {steps} steps; it is damaged, train again."
        )
    for name, end, done in (("max_epochs", max_epochs, epochs), ("max_steps", max_steps, steps)):
        if end is not None and 0 <= end < done:
            raise OptionError(
                f"'trainer.{name}' is {end}, but the run has reached {done} already; resume it with {done} or more."
            )


def _kind(value: Any) -> str:
    """Shape of a weight, and what its numbers are: precision may differ, but not their kind."""
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    kind = "" if value.is_floating_point() else f" of {value.dtype}"
    return f"{list(value.shape)}{kind}{'' if value.layout == torch.strided else ', sparse'}"


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        if values.is_floating_point() or values.is_complex():
            yield values.to_dense() if values.layout != torch.strided else values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from _tensors(value)
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _tensors(value)
