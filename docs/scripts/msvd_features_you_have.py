"""MSVD features that you already have -> a store -> official splits and captions -> training -> scores.

    python docs/scripts/msvd_features_you_have.py --out runs/msvd_tutorial [--data FOLDER]

With ``--data``, captions and splits are MSVD's own: FOLDER contains ``corpora/msvd/captions.json`` ({id: [captions]}).
Without it a small corpus is made up in the same layouts. **The features are random numbers either way**, for a few of
the videos: the scores at the end mean nothing. What carries over to your features is every call.

Every step is a function below; the last lines that it prints are the commands that do the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import lightning
import numpy as np
import torch

from stgraph import (
    CaptionDataModule,
    Detections,
    STGraphCaptioner,
    VideoFeatures,
    VideoGraphBuilder,
    train_captioner,
)
from stgraph.datasets import CaptionCorpus, corpus_summary, open_dataset, read_msvd_captions
from stgraph.errors import DataError
from stgraph.features.importers import read_keyed_hdf5, read_npy_folders
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter, info, validate
from stgraph.metrics import Evaluation

VIDEOS = {"train": 60, "val": 10, "test": 10}  # that have features here
FRAMES, BOXES = 10, 5
WIDTHS = {"resnet101": 64, "i3d": 32, "object": 48}  # yours are 2048, 1024, 2048 or what you have

RECORDS = {
    "appearance": ExtractorRecord("resnet101", "unknown", {}),
    "motion": ExtractorRecord("i3d", "unknown", {}),
}
"""What made the features, as far as you know: a model refuses features that others made."""

PAPER = VideoGraphBuilder(
    max_objects=5, score_threshold=0.5, pad_objects=5
)  # as published: Pan et al., section 4.3

# The paper's sizes are the defaults of STGraphCaptioner. These make it small.
SMALL = {"hidden_channels": 64, "num_heads": 4, "num_layers": 1, "feedforward_channels": 128}


def made_up_captions(path: Path) -> Path:
    """Without ``--data``: lines ``id caption``, as in AllVideoDescriptions.txt, of videos named by MSVD's numbers.

    ``vid1`` to ``vid1200`` are for training, up to ``vid1300`` for validation, up to ``vid1970`` for testing: under
    these names even a part of the corpus has its official splits. Under YouTube names the splits follow the order of
    all 1,970.
    """
    draw = np.random.default_rng(0)
    lines = ["# made up"]
    for first, count in zip((1, 1201, 1301), VIDEOS.values(), strict=True):
        for number in range(first, first + count):
            for _ in range(4):
                who, does, what = (
                    draw.choice(words) for words in (("man", "woman"), ("cuts", "holds"), ("bread", "it"))
                )
                lines.append(f"vid{number} A {who} {does} {what}.")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read_the_captions(path: Path, real: bool) -> CaptionCorpus:
    """Step 1. Captions in the layout that you have (lines, CSV or JSON: the content decides), official splits.

    ``differences`` is empty if all numbers of videos and captions are as published.
    """
    corpus = read_msvd_captions(path)
    summary = corpus_summary(corpus)
    print(summary)
    differences = summary.differences("msvd")
    print("Compared with the published counts: " + ("; ".join(differences) or "all as published."))
    claim(real == (not differences), "true captions are as published, made-up ones are recognised as others")
    return corpus


def some_of(corpus: CaptionCorpus, folder: Path) -> tuple[CaptionCorpus, dict[str, Any]]:
    """Step 2, not for you: only a few videos have features here, so their captions and splits are written separately.

    Both are layouts that stgraph reads: {id: [captions]}, and a folder with train*, val*, test* of one id per line.
    With features of all 1,970 videos you need neither: splits are official unless you give others.
    """
    folder.mkdir()
    few = {split: corpus.ids(split)[:count] for split, count in VIDEOS.items()}
    for split, ids in few.items():
        (folder / f"{split}_list.txt").write_text("".join(f"{video}\n" for video in ids), encoding="utf-8")
    captions = {video: list(corpus.captions(video)) for ids in few.values() for video in ids}
    (folder / "captions.json").write_text(json.dumps(captions), encoding="utf-8")
    files = {"captions": str(folder / "captions.json"), "splits": str(folder)}
    return read_msvd_captions(folder / "captions.json", folder), files


def features_as_people_have_them(corpus: CaptionCorpus, folder: Path, missing: str) -> None:
    """Step 3, not for you: random features, once as a ``.npy`` file per video and stream, once as one HDF5 keyed by id.

    Frame vectors are [T, D], clip vectors [C, D]. One clip file of the first layout is left out on purpose.
    """
    draw = np.random.default_rng(0)
    for stream in ("resnet101", "i3d"):
        (folder / stream).mkdir(parents=True)
    with h5py.File(folder / "features.h5", "w") as file:
        for video in corpus.ids():
            for stream, rows in (("resnet101", FRAMES), ("i3d", int(draw.integers(2, 8)))):
                array = draw.standard_normal((rows, WIDTHS[stream]), dtype=np.float32)
                file[f"{video}/{stream}"] = array  # "/i3d/ID" would be recognised, too
                if (stream, video) != ("i3d", missing):
                    np.save(folder / stream / f"{video}.npy", array)


def write_store(path: Path, videos: Iterable[VideoFeatures]) -> None:
    """Writes a store, one video at a time; if reading a video fails, no store is left."""
    with FeatureStoreWriter(path, extractors=RECORDS) as writer:
        for video in videos:
            writer.add(video)


def import_npy(folder: Path, store: Path, corpus: CaptionCorpus, missing: str, files: dict[str, Any]) -> None:
    """Step 4. One file per video and stream. If one stream lacks a video, the video is named and nothing is written.

    ``common=True`` leaves it out. Then its captions have no features, which is an error when the data set is opened,
    unless ``common=True`` is given there, too, and the video is named in a warning. So a score on 79 videos never
    passes for one on 80.
    """
    streams = {"appearance": folder / "resnet101", "motion": folder / "i3d"}
    try:
        write_store(store, read_npy_folders(streams))
    except DataError as error:
        print(f"As it is: {error}")
        claim(
            missing in str(error) and not store.exists(), "the error names the video, and nothing was written"
        )
    else:
        claim(False, "a video that one stream lacks is an error")
    write_store(store, read_npy_folders(streams, common=True))
    claim(
        set(corpus.ids()) - set(FeatureStore(store).ids) == {missing}, f"all videos are there but {missing}"
    )
    try:
        open_dataset("msvd", store=str(store), **files)
    except DataError as error:
        print(f"Opened as it is: {error}")
        claim(missing in str(error), "the error names the video")
    else:
        claim(False, "captions of a video without features are an error")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        left = open_dataset("msvd", store=str(store), common=True, **files)
    print("With common=True:", *(f"  {warning.message}" for warning in caught), sep="\n")
    claim(any(missing in str(warning.message) for warning in caught), "the warning names it, too")
    claim(left.corpus.ids() == [video for video in corpus.ids() if video != missing], "the others are kept")


def import_hdf5(file: Path, store: Path, other: Path) -> None:
    """Step 5. One HDF5 file keyed by id. Nothing is missing in it."""
    write_store(store, read_keyed_hdf5({"appearance": (file, "resnet101"), "motion": (file, "i3d")}))
    a, b = FeatureStore(store), FeatureStore(other)
    same = all(torch.equal(a[video].appearance, b[video].appearance) for video in b.ids)
    claim(same, "both layouts give the same features")


def check_the_store(store: Path, corpus: CaptionCorpus) -> None:
    """Step 6. What is in it, and what is wrong with it. Widths are taken from the store; no setting names them."""
    print(info(store))
    claim(validate(store) == [], "nothing is wrong with it")
    claim(sorted(FeatureStore(store).ids) == corpus.ids(), "every captioned video has features")


def train_and_score(store: Path, files: dict[str, Any], run: Path, branches: tuple[str, ...]) -> Evaluation:
    """Step 7. STG-KD on your features. Without boxes there is only the scene branch, which is a row of Table 3.

    The warning that this is not the published MSVD is due to the few videos here; with all 1,970 it does not appear.
    """
    dataset = open_dataset("msvd", store=str(store), **files)
    data = CaptionDataModule.from_dataset(dataset, builder=PAPER, captions_per_epoch=4)
    lightning.seed_everything(0, verbose=False)
    model = STGraphCaptioner.for_data(data, branches=branches, **SMALL)
    captioner = train_captioner(
        model,
        data,
        run,
        optimizer=partial(torch.optim.Adam, lr=1e-4),
        patience=10,
        max_epochs=2,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    found = captioner.evaluate(data, split="test")
    claim(
        (found.dataset, found.split, found.branch, len(found.captions))
        == ("msvd", "test", "scene", VIDEOS["test"]),
        "every test video was scored, by the scene branch",
    )
    print(", ".join(f"{metric} {100 * score:.1f}" for metric, score in found.scores.items()))
    return found


def add_boxes(store: Path, target: Path) -> None:
    """Step 8. Boxes in addition: the full model needs objects.

    ``frame`` is the position 0..T-1 among the sampled frames, so boxes must be of the same frames as the frame vectors.
    Boxes in files of their own, JSON with npz, are read by ``read_detections_folder``; see ``your_own_detections.py``.
    """
    without = FeatureStore(store)
    records = {**without.extractors, "object": ExtractorRecord("random-boxes", "none", {})}
    draw = torch.Generator().manual_seed(0)
    with FeatureStoreWriter(target, extractors=records) as writer:
        for video in without.ids:
            writer.add(with_boxes(without[video], draw))
    graph = PAPER(FeatureStore(target)[without.ids[0]].detections)
    print(f"{target.name}: {without.ids[0]} as a graph: {graph.num_nodes} objects, {graph.num_edges} edges")
    claim(graph.num_nodes == FRAMES * BOXES, "every box is a node")


def with_boxes(video: VideoFeatures, draw: torch.Generator) -> VideoFeatures:
    """In the layout that people have: boxes [T, n, 4] in pixels, scores [T, n], features [T, n, D]."""
    size = (240, 320)  # of the picture in which the boxes are measured: height, width
    corner = torch.rand(FRAMES, BOXES, 2, generator=draw) * 100
    boxes = torch.cat([corner, corner + 20], dim=2)
    scores = 0.5 + torch.rand(FRAMES, BOXES, generator=draw) / 2
    features = torch.randn(FRAMES, BOXES, WIDTHS["object"], generator=draw)
    return replace(
        video,
        size=size,
        detections=Detections(
            boxes=boxes.flatten(0, 1),
            scores=scores.flatten(),
            features=features.flatten(0, 1),
            frame=torch.arange(FRAMES).repeat_interleave(BOXES),
            num_frames=FRAMES,
            size=size,
        ),
    )


def claim(holds: bool, what: str) -> None:
    """Ends the tutorial if something that it states does not hold."""
    if not holds:
        raise SystemExit(f"This should hold and does not: {what}.")
    print(f"[holds] {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with corpora/msvd/captions.json")
    parser.add_argument("--out", type=Path, default=Path("runs/msvd_features_you_have"))
    chosen = parser.parse_args()
    start, out = time.monotonic(), chosen.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    work = out / "tutorial"  # all that this script writes, so that it can be run again
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()

    real = chosen.data is not None
    file = (
        chosen.data.absolute() / "corpora/msvd/captions.json" if real else work / "AllVideoDescriptions.txt"
    )
    whole = read_the_captions(file if real else made_up_captions(file), real)
    corpus, files = some_of(whole, work / "few")
    missing = corpus.ids("train")[-1]
    features_as_people_have_them(corpus, work / "features", missing)
    import_npy(work / "features", work / "from_npy.h5", corpus, missing, files)
    store = work / "msvd.h5"
    import_hdf5(work / "features" / "features.h5", store, work / "from_npy.h5")
    check_the_store(store, corpus)
    scene = train_and_score(store, files, work / "scene_only", ("scene",))
    add_boxes(store, work / "msvd_objects.h5")
    full = train_and_score(work / "msvd_objects.h5", files, work / "full_model", ("scene", "object"))
    claim(scene.references == full.references, "both were scored against the same captions")
    print(
        "\nThe features are random, so these scores mean nothing. The commands for yours, on all videos, are:"
    )
    print("$ stgraph store import FOLDER msvd.h5 --layout npy --appearance resnet101 --motion i3d")
    for row in ("row=scene_branch_only", "row=full_model"):
        print(
            f"$ stgraph train experiment=stgkd_msvd {row} data.dataset.store=msvd.h5 data.dataset.captions={file.name}"
        )
    print(f"\n{time.monotonic() - start:.0f} s; all is in {work}")


if __name__ == "__main__":
    main()
