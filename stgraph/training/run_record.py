"""Provenance of results: commit, package versions, device and processor."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from stgraph.checking import checked

__all__ = ["commit_id", "package_versions", "processor_name", "record_differences", "run_record"]

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


def processor_name() -> str:
    """Name of the CPU, its family and the vector instructions torch uses on it: "AMD EPYC, family 26, AVX512".

    The instructions determine the order of sums, so the last bits of a result, and with them those of a whole training
    run, can differ between two processors with the same versions of everything. Clouds give one name to processors of
    many years, which the family tells apart where the system knows it.
    """
    known: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            known.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    parts = [known.get("model name") or platform.processor() or platform.machine()]
    if "cpu family" in known:
        parts.append(f"family {known['cpu family']}")
    return ", ".join([*parts, torch.backends.cpu.get_cpu_capability()])


@checked
def run_record(seed: int) -> dict[str, object]:
    """Commit, versions, device, processor and seed of the running process."""
    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"cpu, {torch.get_num_threads()} threads"
    )
    return {
        "seed": seed,
        "commit": commit_id(),
        "versions": package_versions(),
        "device": device,
        "processor": processor_name(),
    }


def record_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between the machines and packages of two records, as "torch 2.9.1, now 2.14.1"."""
    keys = ("device", "processor")
    flat_before = {**{key: before.get(key) for key in keys}, **before.get("versions", {})}
    flat_now = {**{key: now.get(key) for key in keys}, **now.get("versions", {})}
    return [
        f"{key} {flat_before.get(key) or 'unknown'}, now {flat_now.get(key) or 'unknown'}"
        for key in dict.fromkeys((*flat_before, *flat_now))
        if flat_before.get(key) != flat_now.get(key)
    ]
