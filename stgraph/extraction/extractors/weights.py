"""Loads extractor weights (published, from a file, or random) and hashes them."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import torch
from torch import Tensor, nn

from stgraph.checking import checked, described
from stgraph.errors import DataError, MissingDataError, OptionError, shown

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

__all__ = ["RANDOM", "hash_of", "load_network", "read_weights"]

RANDOM = "random"
Rename = Callable[[dict[str, Tensor]], dict[str, Tensor]]


@checked
def load_network(
    build: Callable[[], nn.Module],
    weights: str,
    published: type[WeightsEnum] | None = None,
    rename: Rename | None = None,
    optional: tuple[str, ...] = (),
) -> tuple[nn.Module, str]:
    """Builds a network and loads its weights.

    Args:
        build: Creates the network without downloading anything.
        weights: "default", the newest of ``published``; the name of one of them; "random", the same values each time;
            or a file (``.safetensors``, or written by ``torch.save``).
        published: The ``torchvision.models.WeightsEnum`` of this network; None if no maintained library publishes any.
        rename: Maps the keys of a file to those of the network.
        optional: Prefixes of keys, such as those of a classifier, that a file may lack or have in addition.

    Returns:
        The network in evaluation mode, and the hash of its weights.

    Raises:
        OptionError: If ``weights`` is "default" and nothing is published.
        MissingDataError: If the file doesn't exist or the download fails.
        DataError: If the file doesn't fit the network.
    """
    if weights == "default" and published is None:
        raise OptionError(
            f"'weights' must be a file or '{RANDOM}' for this network, got {weights!r}: no maintained library publishes any."
        )
    state = None
    if weights == "default" or (published is not None and weights in published.__members__):
        state = _published(published, weights)
    elif weights != RANDOM:
        state = read_weights(weights, published)
        state = rename(state) if rename else state
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build()
    if not isinstance(network, nn.Module):
        raise OptionError(f"'build' must return a torch.nn.Module, got {described(network)}.")
    if state is not None:
        _fill(network, state, weights, optional)
    return network.eval(), hash_of(network.state_dict())


def read_weights(path: str | Path, published: type[WeightsEnum] | None = None) -> dict[str, Tensor]:
    """Reads the tensors of a file by name, without running any code that it contains.

    Args:
        path: The file.
        published: The ``torchvision.models.WeightsEnum`` whose names the error message lists.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file doesn't hold tensors by name.
    """
    file = Path(path)
    if not _is_file(file):
        known = [RANDOM] if published is None else ["default", *(entry.name for entry in published), RANDOM]
        raise MissingDataError(
            f"'weights' must be {', '.join(known)} or a file, got {shown(repr(str(path)))}, and there is no such file."
        )
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise DataError(
            f"{file} cannot be read as weights ({' '.join(str(error).split())[:150]}); only tensors are loaded, no code."
        ) from error
    for name in ("state_dict", "model"):  # training scripts often nest the state dict
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise DataError(
            f"{file} must hold tensors by name, got a {type(content).__name__}; save a state_dict."
        )
    return {name.removeprefix("module."): value for name, value in content.items()}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def hash_of(state: Mapping[str, Tensor]) -> str:
    """Hash of the names, types, shapes and values of weights, independent of the file format.

    Counters of batch normalisation are left out, as they don't affect the output.

    >>> hash_of({"w": torch.zeros(2)})[:19]
    'sha256:c54171aeb4bd'
    """
    digest = hashlib.sha256()
    for name in sorted(name for name in state if not name.endswith("num_batches_tracked")):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"


def _published(published: Any, weights: str) -> dict[str, Tensor]:
    chosen = published.DEFAULT if weights == "default" else published[weights]
    try:
        return chosen.get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise MissingDataError(
            f"The weights {chosen} cannot be downloaded from {chosen.url} ({' '.join(str(error).split())[:150]}); "
            "fetch the file elsewhere and set 'weights' to its path, or to 'random' to try things out (on the command line "
            "with the extractor's group, as in objects.weights=FILE or appearance.weights=random)."
        ) from error


def _fill(network: nn.Module, state: dict[str, Tensor], weights: str, optional: tuple[str, ...]) -> None:
    own = network.state_dict()
    keep = {name: value for name, value in state.items() if name in own or not name.startswith(optional)}
    missing = sorted(
        name
        for name in own.keys() - keep.keys()
        if not name.startswith(optional) and not name.endswith("num_batches_tracked")
    )
    strange = sorted(keep.keys() - own.keys())
    other = sorted(name for name in own.keys() & keep.keys() if own[name].shape != keep[name].shape)
    if missing or strange or other:
        wrong = (
            f"it lacks '{missing[0]}' and {len(missing) - 1} more"
            if missing
            else f"it has '{strange[0]}' and {len(strange) - 1} more that are not of this network"
            if strange
            else f"'{other[0]}' is {list(keep[other[0]].shape)}, not {list(own[other[0]].shape)}"
        )
        raise DataError(
            f"The weights {weights} do not fit {type(network).__name__}: {wrong}; are they those of another network?"
        )
    network.load_state_dict(keep, strict=False)
