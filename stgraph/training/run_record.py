"""Provenance of results: commit, package versions and device."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

__all__ = ["commit_id", "package_versions", "run_record"]

PACKAGES = (
    "stgraph-captioning",
    "torch",
    "torch-geometric",
    "torch-scatter",
    "torch-sparse",
    "lightning",
    "pycocoevalcap",
)


def commit_id() -> str | None:
    """Commit of the checkout that this package runs from, with "+changes" if it is modified; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():  # installed from a wheel: an enclosing repository would not be ours
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return f"{commit}+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, check=True, text=True
    ).stdout.strip()


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on; missing packages are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def run_record(seed: int) -> dict[str, object]:
    """Commit, versions, device and seed of the running process."""
    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"cpu, {torch.get_num_threads()} threads"
    )
    return {"seed": seed, "commit": commit_id(), "versions": package_versions(), "device": device}
