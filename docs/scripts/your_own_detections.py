"""Your own detections -> a store -> graphs -> STG-KD -> captions.

You have, for each video, a JSON file of boxes and an npz file of features from some detector and some backbone, and a
JSON file of captions. This script goes all the way from them to captions, and every step is a call that you can copy:

    python docs/scripts/your_own_detections.py --data FOLDER --out runs/mine

FOLDER contains ``detections/ID.json``, ``detections/ID.npz`` and ``clips/captions.json``; without ``--data`` such a
folder is made from generated videos. All videos are used for training: with so few, the question is not whether the
model generalises but whether the whole chain carries the information, so the scores below are those of the training
videos.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from functools import partial
from pathlib import Path

import lightning
from torch.optim import Adam

from stgraph import CaptionDataModule, CaptionPipeline, STGraphCaptioner, VideoGraphBuilder, train_captioner
from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.datasets.interactions import write_raw_layout
from stgraph.features.importers import read_detections_folder
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter, validate
from stgraph.training import cosine_with_warmup

# Weak boxes are kept: a box with a score of 0.2 is often right in small, dark or animated clips.
BUILDER = VideoGraphBuilder(max_objects=5, score_threshold=0.2)


def write_store(folder: Path, path: Path) -> FeatureStore:
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
    problems = validate(path)
    if problems:
        raise SystemExit("\n".join(map(str, problems)))
    return FeatureStore(path)


def read_captions(folder: Path) -> CaptionCorpus:
    """Step 2: the captions of each video; here all videos are training videos."""
    given = json.loads((folder / "clips" / "captions.json").read_text(encoding="utf-8"))
    return CaptionCorpus(
        {name: VideoCaptions("train", tuple(entry["captions"])) for name, entry in given.items()}
    )


def show_graphs(store: FeatureStore) -> None:
    """Step 3: a PyG graph of each video."""
    graphs = BUILDER.build_batch([store[name].detections for name in store.ids])
    each = graphs.to_data_list()
    empty = sum(int((graph.frame.bincount(minlength=graph.num_frames) == 0).sum()) for graph in each)
    print(
        f"{len(each)} graphs: {graphs.num_nodes} objects, {graphs.num_edges} edges, {empty} frames without objects"
    )
    print(each[0])


def train(store: Path, corpus: CaptionCorpus, run: Path) -> tuple[CaptionDataModule, CaptionPipeline]:
    """Step 4: train both branches of STG-KD; the folder ``run`` is then a model folder."""
    data = CaptionDataModule.from_store(
        store, corpus, builder=BUILDER, cache=True, batch_size=32, captions_per_epoch=4
    )
    lightning.seed_everything(0, verbose=False)
    model = STGraphCaptioner.for_data(
        data, hidden_channels=128, num_heads=4, feedforward_channels=256, dropout=0.0
    )
    captioner = train_captioner(
        model,
        data,
        run,
        optimizer=partial(Adam, lr=1e-3),
        schedule=partial(cosine_with_warmup, warmup_steps=20),
        max_epochs=200,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return data, captioner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with detections/ and clips/captions.json")
    parser.add_argument("--out", type=Path, default=Path("runs/your_own_detections"))
    chosen = parser.parse_args()
    start = time.monotonic()
    work = chosen.out / "tutorial"  # all that this script writes, so that it can be run again
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    folder = chosen.data or write_raw_layout(work / "raw")

    store = write_store(folder, work / "features.h5")
    corpus = read_captions(folder)
    show_graphs(store)
    data, captioner = train(work / "features.h5", corpus, work / "model")
    bleu = {
        branch: captioner.evaluate(data, split="train", branch=branch).scores["BLEU-4"]
        for branch in ("scene", "object")
    }
    for caption in captioner([store[name] for name in store.ids]):
        print(f"{caption.video_id}: {caption.text}")
    print(f"\nTraining BLEU-4: scene branch {bleu['scene']:.3f}, object branch {bleu['object']:.3f}")
    print(f"{time.monotonic() - start:.0f} s; the model folder is {work / 'model'}")
    if min(bleu.values()) < 0.8:
        raise SystemExit(
            "A model this large should reproduce its few training captions: a BLEU-4 of 0.8 or more."
        )


if __name__ == "__main__":
    main()
