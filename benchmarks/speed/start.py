"""How long a process waits for the library, compared with the libraries that it cannot do without.

``python -m benchmarks.speed.start [--quick]`` prints the rows as JSON. Each call starts a Python of its own; times are of
the wall clock. The peers import what the library builds on and nothing else, so they are the floor as well.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from benchmarks.speed.measuring import Row, compare, run_alone

BOXES = """
import torch
from stgraph import Detections, VideoGraphBuilder
boxes = torch.tensor([[0.0, 0, 9, 9], [5, 5, 20, 20]])
video = Detections(boxes, torch.ones(2), torch.ones(2, 4), torch.tensor([0, 1]), 2, (30, 30))
VideoGraphBuilder()(video)
"""


def rows(quick: bool) -> list[Row]:
    """The first import, the first graph, and the help of the terminal."""
    builds_on = python("-c", "import torch, torch_geometric.data, torch_geometric.nn")
    work: dict[str, tuple[Callable[[], None], str, Callable[[], None]]] = {
        "from stgraph import VideoGraphBuilder": (
            python("-c", "from stgraph import VideoGraphBuilder"),
            "import torch and PyTorch Geometric",
            builds_on,
        ),
        "the first graph": (python("-c", BOXES), "import torch and PyTorch Geometric", builds_on),
        "stgraph --help": (
            python("-m", "stgraph", "--help"),
            "import argparse",
            python("-c", "import argparse"),
        ),
        "stgraph train --help": (
            python("-m", "stgraph", "train", "--help"),
            "import hydra",
            python("-c", "import hydra"),
        ),
    }
    return [
        compare(f"start, {name}", name, ours, f"{peer} alone", theirs, rounds=2 if quick else 3, wall=True)
        for name, (ours, peer, theirs) in work.items()
    ]


def python(*arguments: str) -> Callable[[], None]:
    """A call that runs a Python of its own."""

    def run() -> None:
        subprocess.run([sys.executable, "-W", "ignore", *arguments], check=True, stdout=subprocess.DEVNULL)

    return run


if __name__ == "__main__":
    run_alone(rows, __doc__)
