"""Devices by name."""

from __future__ import annotations

import torch

from stgraph.errors import OptionError

__all__ = ["device_of"]


def device_of(name: str) -> torch.device:
    """Finds a device by its name.

    Args:
        name: A torch device such as "cpu" or "cuda:0", or "auto" for the GPU if there is one, else the CPU.

    Raises:
        OptionError: If there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(
            f"'device' must be auto, cpu or a device of this machine, got {name!r}: {reason}."
        ) from error
