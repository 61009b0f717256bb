"""``stgraph evaluate RUN [split=test key=value ...]``: scores a trained captioner on a split."""

from __future__ import annotations

import argparse
from pathlib import Path

from stgraph.captioner import load_captioner
from stgraph.commands.configuration import compose, saved_config
from stgraph.commands.table import score_table
from stgraph.commands.train import dataset_of
from stgraph.training import evaluate, run_record

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="stgraph evaluate", description="Score a trained captioner on one split."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder that 'stgraph train' wrote")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="such as split=val branch=object")
    chosen = parser.parse_intermixed_args(arguments)
    saved = saved_config(chosen.run)
    config = compose("evaluate", chosen.settings, data=saved.data)
    captioner = load_captioner(chosen.run)
    result = evaluate(
        captioner, dataset_of(config.data), config.split, config.branch, batch_size=config.batch_size
    )
    print(score_table({f"{result.branch} branch": result.scores}, f"{result.dataset}, {result.split} split"))
    path = chosen.run / f"evaluation-{result.split}-{result.branch}.json"
    result.save(path, run_record(saved.seed))
    print(f"Captions and scores are in {path}.")
    return 0
