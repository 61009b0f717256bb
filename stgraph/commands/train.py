"""``stgraph train [experiment=... key=value ...]``: trains a captioner and leaves a model folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stgraph.commands.console.progress import progress_line
from stgraph.settings.compose import compose
from stgraph.settings.training import is_first_rank, train

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="stgraph train",
        description="Train a captioner. Settings are hydra overrides, such as run=runs/mine seed=1.",
    )
    parser.add_argument("settings", nargs="*", metavar="key=value")
    config = compose("train", parser.parse_args(arguments).settings)
    try:
        train(config, progress_line("videos"))
    except KeyboardInterrupt:
        if not is_first_rank():  # the first rank prints the advice
            return 130
        if (Path(config.run) / "checkpoints" / "last.ckpt").is_file():
            print(f"\nTo continue {config.run}: the same command with resume=true.", file=sys.stderr)
        raise
    return 0
