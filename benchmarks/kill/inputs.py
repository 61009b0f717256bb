"""Small inputs of all commands, generated once for a bench."""

import csv
import os
import shutil
import sys
import tempfile
from contextlib import redirect_stdout

import numpy as np

from stgraph.cli import main
from stgraph.datasets.interactions import prepare_interactions
from stgraph.video import write_video

SMALL = (
    "model.hidden_channels=16",
    "model.num_heads=2",
    "model.feedforward_channels=16",
    "data.loader.batch_size=20",
    "data.loader.captions_per_video=1",
    "data.loader.captions_per_epoch=1",
)
"""Settings of a model that trains in a second."""


def make_inputs(folder, *, data, model):
    """Writes what the commands read; generated data and an evaluated model only if they are asked for."""
    draws = np.random.default_rng(0)
    (folder / "videos").mkdir(parents=True)
    for number in range(10):
        frames = draws.integers(0, 255, (24, 48, 64, 3), dtype=np.uint8)
        write_video(folder / "videos" / f"v{number}.mp4", frames)
    (folder / "npy").mkdir()
    with (folder / "captions.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "caption", "split"])
        for number in range(600):
            np.save(folder / "npy" / f"v{number}.npy", draws.standard_normal((10, 64), dtype=np.float32))
            rows.writerow([f"v{number}", "a cat plays", "train" if number < 500 else "test"])
    for name in ("a", "b"):
        _import(folder, name)
    if data or model:
        os.environ["STGRAPH_CACHE"] = str(folder / "cache")
        shutil.copytree(prepare_interactions("tiny", 0).parent, folder / "tiny")
    if model:
        run = ("train", "data=interactions_tiny", *SMALL, "trainer.max_epochs=1", f"run={folder / 'trained'}")
        with redirect_stdout(sys.stderr):
            assert main([*run, "-q"]) == 0
            for branch in ("scene", "object"):
                assert main(["evaluate", str(folder / "trained"), f"branch={branch}", "split=val"]) == 0


def _import(folder, name):
    """A store of half of the arrays."""
    with tempfile.TemporaryDirectory() as half:
        for number in range(0 if name == "a" else 300, 300 if name == "a" else 600):
            os.symlink(folder / "npy" / f"v{number}.npy", f"{half}/v{number}.npy")
        arguments = ["store", "import", half, str(folder / f"{name}.h5"), "--layout", "npy"]
        with redirect_stdout(sys.stderr):
            assert main([*arguments, "--appearance", ".", "--extractor", "appearance=made-up"]) == 0
