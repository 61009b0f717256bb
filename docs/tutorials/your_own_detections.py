"""Your own detections -> a store -> graphs -> STG-KD -> captions.

You have, for each video, a JSON of boxes and an npz of features from some detector and some backbone, and a JSON of
captions. This script goes the whole way with them, and every step is one call that you can copy:

    python docs/tutorials/your_own_detections.py --data FOLDER --out runs/mine

FOLDER holds ``detections/ID.json``, ``detections/ID.npz`` and ``clips/captions.json``; without ``--data`` such a folder
is first made from generated videos. All videos are used for training: with so few, the question is not whether the model
generalises but whether the whole chain carries the information, so the scores below are those of the training videos.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from stgraph import VideoGraphBuilder
from stgraph.cli import main as stgraph_command
from stgraph.datasets import CaptionCorpus, VideoCaptions, open_dataset
from stgraph.datasets.interactions import write_raw_layout
from stgraph.features.importers import read_detections_folder
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter

# Weak boxes are kept: a box at 0.2 is often right in small, dark or animated clips.
THRESHOLD = 0.2

TRAINING = [
    "data=store",
    "data.cache=true",
    f"graph.score_threshold={THRESHOLD}",
    "data.loader.batch_size=32",
    "data.loader.captions_per_epoch=4",
    "model.hidden_channels=128",
    "model.num_heads=4",
    "model.feedforward_channels=256",
    "model.dropout=0.0",
    "optimizer.lr=1e-3",
    "schedule=cosine",
    "schedule.warmup_steps=20",
    "trainer.max_epochs=300",
    "trainer.enable_progress_bar=false",
]


def write_store(folder: Path, path: Path) -> None:
    """Step 1: one HDF5 file of all features, with a record of what made them."""
    videos, label_names = read_detections_folder(folder / "detections")
    # Write down what you know about your extractors: a model refuses features that others made.
    extractors = {
        "appearance": ExtractorRecord("your-backbone", weights="unknown", versions={}),
        "object": ExtractorRecord("your-detector", weights="unknown", versions={}),
    }
    with FeatureStoreWriter(path, extractors=extractors, label_names=label_names) as writer:
        for video in videos:
            writer.add(video)


def write_captions(folder: Path, path: Path) -> None:
    """Step 2: captions beside the store; here all videos train."""
    given = json.loads((folder / "clips" / "captions.json").read_text())
    CaptionCorpus(
        {name: VideoCaptions("train", tuple(entry["captions"])) for name, entry in given.items()}
    ).save(path)


def show_graphs(path: Path) -> None:
    """Step 3: a PyG graph of each video."""
    store, builder = FeatureStore(path), VideoGraphBuilder(max_objects=5, score_threshold=THRESHOLD)
    graphs = builder.build_batch([store[name].detections for name in store.ids])
    empty = sum(
        int((graphs[i].frame.bincount(minlength=graphs[i].num_frames) == 0).sum()) for i in range(len(graphs))
    )
    print(
        f"{len(graphs)} graphs: {graphs.num_nodes} objects, {graphs.num_edges} edges, {empty} frames without objects"
    )
    print(graphs[0])


def run(command: list[str]) -> None:
    """The command line, called from here; a failure ends the tutorial."""
    print("\n$ stgraph " + " ".join(command))
    if stgraph_command(command) != 0:
        raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with detections/ and clips/captions.json")
    parser.add_argument("--out", type=Path, default=Path("runs/your_own_detections"))
    chosen = parser.parse_args()
    start = time.monotonic()
    out: Path = chosen.out
    out.mkdir(parents=True, exist_ok=True)
    folder = chosen.data or write_raw_layout(out / "raw")

    store, captions, model = out / "features.h5", out / "captions.json", out / "model"
    write_store(folder, store)
    write_captions(folder, captions)
    run(["store", "validate", str(store)])
    show_graphs(store)
    dataset = [f"data.dataset.store={store}", f"data.dataset.captions={captions}"]
    run(["train", *TRAINING, *dataset, f"run={model}"])
    bleu = {}
    for branch in ("scene", "object"):
        run(["evaluate", str(model), "split=train", f"branch={branch}"])
        bleu[branch] = json.loads((model / f"evaluation-train-{branch}.json").read_text())["scores"]["BLEU-4"]
    ids = open_dataset("store", store=str(store), captions=str(captions)).corpus.ids()
    run(["caption", *ids, "--model", str(model)])
    print(f"\nTraining BLEU-4: scene branch {bleu['scene']:.3f}, object branch {bleu['object']:.3f}")
    print(f"{time.monotonic() - start:.0f} s; the model folder is {model}")
    if min(bleu.values()) < 0.8:
        raise SystemExit(
            "The model should know its few training videos by heart, at a BLEU-4 of 0.8 or more."
        )


if __name__ == "__main__":
    main()
