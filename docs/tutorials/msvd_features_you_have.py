"""MSVD features that you already have -> a store -> official splits and captions -> training -> scores.

    python docs/tutorials/msvd_features_you_have.py --out runs/msvd_tutorial [--data FOLDER]

With ``--data``, captions and splits are MSVD's own: FOLDER holds ``corpora/msvd/captions.json`` ({id: [captions]}). Without
it a small corpus is made up in the same layouts. **The features are random numbers either way**, for a few of the videos:
the scores at the end mean nothing. What carries over to yours is every command.

Every step is a function below. The shell lines that it prints are those that you would type.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import time
import warnings
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import torch

from stgraph import Detections, VideoFeatures, VideoGraphBuilder
from stgraph.cli import main as stgraph_command
from stgraph.datasets import CaptionCorpus, corpus_summary, open_dataset, read_msvd_captions
from stgraph.errors import DataError
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter

VIDEOS = {"train": 60, "val": 10, "test": 10}  # that have features here
FRAMES, BOXES = 10, 5
WIDTHS = {"resnet101": 64, "i3d": 32, "object": 48}  # yours are 2048, 1024, 2048 or what you have

# `experiment=stgkd_msvd` alone is the paper's setting. These make it small.
SMALL = [
    "model.hidden_channels=64",
    "model.num_heads=4",
    "model.num_layers=1",
    "model.feedforward_channels=128",
    "data.loader.captions_per_epoch=4",
    "trainer.max_epochs=2",
    "trainer.enable_progress_bar=false",
]


def made_up_captions(path: Path) -> Path:
    """Without ``--data``: lines ``id caption``, as in AllVideoDescriptions.txt, of videos called by MSVD's numbers.

    ``vid1`` to ``vid1200`` are for training, to ``vid1300`` for validation, to ``vid1970`` for test: so even a part of the
    corpus has its official splits under these names. Under YouTube names they go by the order of all 1,970.
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


def look_at_the_captions(path: Path, real: bool) -> CaptionCorpus:
    """Step 1. Captions in the layout that you have (lines, CSV or JSON: what the file holds decides), official splits.

    ``differences`` is empty where all numbers of videos and captions are as published.
    """
    corpus = read_msvd_captions(path)
    summary = corpus_summary(corpus)
    print(summary)
    differences = summary.differences("msvd")
    print("Beside the published counts: " + ("; ".join(differences) or "all as published."))
    claim(real == (not differences), "true captions are as published, made-up ones are told apart")
    return corpus


def some_of(corpus: CaptionCorpus, folder: Path) -> tuple[CaptionCorpus, list[str]]:
    """Step 2, not for you: as only a few videos have features here, their captions and lists of splits are written apart.

    Both are layouts that `stgraph` reads: {id: [captions]}, and a folder with train*, val*, test* of one id a line. With
    features of all 1,970 videos you need neither: splits are official unless you say otherwise.
    """
    folder.mkdir()
    few = {split: corpus.ids(split)[:count] for split, count in VIDEOS.items()}
    for split, ids in few.items():
        (folder / f"{split}_list.txt").write_text("".join(f"{video}\n" for video in ids), encoding="utf-8")
    captions = {video: list(corpus.captions(video)) for ids in few.values() for video in ids}
    (folder / "captions.json").write_text(json.dumps(captions), encoding="utf-8")
    settings = [f"data.dataset.captions={folder / 'captions.json'}", f"data.dataset.splits={folder}"]
    return read_msvd_captions(folder / "captions.json", folder), settings


def features_as_people_have_them(corpus: CaptionCorpus, folder: Path, missing: str) -> None:
    """Step 3, not for you: random features, once as a ``.npy`` a video and stream, once as one HDF5 keyed by id.

    Frame vectors [T, D], clip vectors [C, D]. One clip file of the first layout is left out on purpose.
    """
    draw = np.random.default_rng(0)
    for stream in ("resnet101", "i3d"):
        (folder / stream).mkdir(parents=True)
    with h5py.File(folder / "features.h5", "w") as file:
        for video in corpus.ids():
            for stream, rows in (("resnet101", FRAMES), ("i3d", int(draw.integers(2, 8)))):
                array = draw.standard_normal((rows, WIDTHS[stream]), dtype=np.float32)
                file[f"{video}/{stream}"] = array  # "/i3d/ID" would be found out too
                if (stream, video) != ("i3d", missing):
                    np.save(folder / stream / f"{video}.npy", array)


def import_npy(folder: Path, store: Path, corpus: CaptionCorpus, missing: str, captions: list[str]) -> None:
    """Step 4. A file a video and stream. A video that one stream lacks is named, and nothing is written.

    ``--common`` leaves it out, by name. Then its captions have no features, which is told when the data set is opened; with
    ``data.dataset.common=true`` it is left out there too. So a score on 79 videos never passes for one on 80.
    """
    command = ["store", "import", str(folder), str(store), "--layout", "npy"]
    command += ["--appearance", "resnet101", "--motion", "i3d"]
    stgraph(command, status=1)
    claim(not store.exists(), "nothing was written")
    stgraph([*command, "--common"])
    claim(
        set(corpus.ids()) - set(FeatureStore(store).ids) == {missing}, f"all videos are there but {missing}"
    )
    paths = dict(setting.removeprefix("data.dataset.").split("=", 1) for setting in captions)
    try:
        open_dataset("msvd", store=str(store), **paths)
    except DataError as error:
        print(f"Opened as it is: {error}")
        claim(missing in str(error), "the error names the video")
    else:
        claim(False, "captions of a video without features are an error")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        left = open_dataset("msvd", store=str(store), common=True, **paths)
    print("With common=true:", *(f"  {warning.message}" for warning in told), sep="\n")
    claim(any(missing in str(warning.message) for warning in told), "the warning names it too")
    claim(left.corpus.ids() == [video for video in corpus.ids() if video != missing], "the others are kept")


def import_hdf5(file: Path, store: Path, other: Path) -> None:
    """Step 5. One HDF5 keyed by id: the same command with another ``--layout``. Nothing is missing in it.

    ``--extractor`` records what made a stream, in more words than its name: a model refuses features that others made.
    """
    command = ["store", "import", str(file), str(store), "--layout", "hdf5"]
    command += ["--appearance", "resnet101", "--motion", "i3d"]
    stgraph([*command, "--extractor", "appearance=resnet101", "--extractor", "motion=i3d"])
    a, b = FeatureStore(store), FeatureStore(other)
    same = all(torch.equal(a[video].appearance, b[video].appearance) for video in b.ids)
    claim(same, "both layouts give the same features")


def check_the_store(store: Path, corpus: CaptionCorpus) -> None:
    """Step 6. What is in it, and what is wrong with it. Widths are read off the store; no setting names them."""
    stgraph(["store", "info", str(store)])
    stgraph(["store", "validate", str(store)])
    claim(sorted(FeatureStore(store).ids) == corpus.ids(), "every captioned video has features")


def train_and_score(store: Path, captions: list[str], run: Path, *rows: str) -> dict[str, object]:
    """Step 7. The paper's settings on your features. Without boxes there is only the scene branch: a row of Table 3.

    The warning that this is not the published MSVD is for the few videos here; on all 1,970 it does not come.
    """
    dataset = [f"data.dataset.store={store}", *captions]
    stgraph(["train", "experiment=stgkd_msvd", *rows, *dataset, *SMALL, f"run={run}"])
    stgraph(["evaluate", str(run), "split=test"])
    found = json.loads((run / "evaluation-test-scene.json").read_text(encoding="utf-8"))
    claim(
        (found["dataset"], found["split"], found["videos"]) == ("msvd", "test", VIDEOS["test"]),
        "every test video was scored, by the scene branch",
    )
    return found


def add_boxes(store: Path, target: Path) -> None:
    """Step 8. Boxes beside them: the full model needs objects. They go in by Python, a call a video.

    ``frame`` is the position 0..T-1 among the sampled frames, so boxes must be of the same frames as the frame vectors.
    Boxes that lie in files of their own, JSON with npz, are imported by ``--layout detections``; see
    ``your_own_detections.py``.
    """
    without = FeatureStore(store)
    records = {**without.extractors, "object": ExtractorRecord("random-boxes", "none", {})}
    draw = torch.Generator().manual_seed(0)
    with FeatureStoreWriter(target, extractors=records) as writer:
        for video in without.ids:
            writer.add(with_boxes(without[video], draw))
    graph = VideoGraphBuilder(max_objects=5, score_threshold=0.5, pad_objects=5)(
        FeatureStore(target)[without.ids[0]].detections
    )
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


def stgraph(command: list[str], status: int = 0) -> None:
    """The command line, called from here; another exit status than the expected one ends the tutorial."""
    print("\n$ stgraph " + shlex.join(command), flush=True)
    claim(stgraph_command(command) == status, f"exit status {status}")


def claim(holds: bool, what: str) -> None:
    """What the tutorial says must be so; else it ends."""
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
    whole = look_at_the_captions(file if real else made_up_captions(file), real)
    corpus, captions = some_of(whole, work / "few")
    missing = corpus.ids("train")[-1]
    features_as_people_have_them(corpus, work / "features", missing)
    import_npy(work / "features", work / "from_npy.h5", corpus, missing, captions)
    store = work / "msvd.h5"
    import_hdf5(work / "features" / "features.h5", store, work / "from_npy.h5")
    check_the_store(store, corpus)
    scene = train_and_score(store, captions, work / "scene_only", "row=scene_branch_only")
    add_boxes(store, work / "msvd_objects.h5")
    full = train_and_score(work / "msvd_objects.h5", captions, work / "full_model")
    claim(scene["references"] == full["references"], "both were scored against the same captions")
    print(
        "\nThe features are random, so these scores mean nothing. With yours, on all videos, the same commands are:"
    )
    for row in ("row=scene_branch_only", "row=full_model"):
        print(
            f"$ stgraph train experiment=stgkd_msvd {row} data.dataset.store=msvd.h5 data.dataset.captions={file.name}"
        )
    print(f"\n{time.monotonic() - start:.0f} s; all is in {work}")


if __name__ == "__main__":
    main()
