"""``stgraph caption ID... --model RUN [key=value ...]``: describes videos of a store, one line each."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from stgraph.captioner import load_captioner
from stgraph.commands.configuration import compose, looks_like_override, saved_config
from stgraph.commands.train import dataset_of, device_of
from stgraph.errors import OptionError

__all__ = ["run"]

KEYS = ("data", "branch", "batch_size", "device")


def run(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="stgraph caption", description="Describe videos of a feature store."
    )
    parser.add_argument(
        "videos", nargs="+", metavar="ID", help="ids of videos; key=value among them are settings"
    )
    parser.add_argument(
        "--model", type=Path, required=True, metavar="RUN", help="folder that 'stgraph train' wrote"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with log-probabilities")
    chosen = parser.parse_intermixed_args(arguments)
    settings = [argument for argument in chosen.videos if looks_like_override(argument, KEYS)]
    videos = [argument for argument in chosen.videos if argument not in settings]
    if not videos:
        raise OptionError("Name at least one video id, as in 'stgraph caption video7 --model runs/demo'.")
    config = compose("caption", settings, data=saved_config(chosen.model).data)
    captioner = load_captioner(chosen.model, device=device_of(config.device))
    store = dataset_of(config.data).store
    for caption in captioner.caption_store(store, videos, config.branch, config.batch_size):
        if chosen.json:
            fields = {"video": caption.video_id, "caption": caption.text, "log_probs": caption.log_probs}
            print(json.dumps(fields))
        else:
            print(f"{caption.video_id}\t{caption.text}")
    return 0
