"""Your own video files -> a detector of yours and a backbone -> a store -> STG-KD -> captions of files.

You have a folder of videos, a few captions of each, and some detector. This script goes all the way with them, and
every step is a call that you can copy:

    python docs/scripts/your_own_videos.py --data FOLDER --out runs/mine

FOLDER contains ``clips/captions.json`` with the video files next to it, ``detections/ID.json`` (boxes of another
detector, to compare with) and ``weights/FastestDet.onnx`` with ``weights/coco.names``, a detector of 1 MB. Without
``--data`` such a folder is made from generated videos, and a detector of coloured blobs takes the place of FastestDet.

The backbone has random weights here, so that nothing is downloaded; without ``weights="random"`` torchvision's are
downloaded. All videos are used for training: with so few, the question is whether the whole chain works, not whether it
generalises.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torchvision.ops import batched_nms, box_iou

from stgraph import CaptionDataModule, CaptionPipeline, STGraphCaptioner, VideoGraphBuilder, train_captioner
from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.datasets.interactions import write_raw_layout
from stgraph.datasets.interactions.pixels import BlobDetector
from stgraph.extraction import (
    ExtractionPlan,
    ExtractorChoice,
    FrameRule,
    extract_to_store,
    extract_videos,
    find_videos,
)
from stgraph.features.store import FeatureStore, info, validate
from stgraph.training import cosine_with_warmup
from stgraph.video import VideoReader

BUILDER = VideoGraphBuilder(max_objects=5, score_threshold=0.3)


class FastestDet:
    """A plug-in is any object that is called with frames and returns boxes; this one runs FastestDet by onnxruntime.

    Args:
        model: Path of ``FastestDet.onnx``; ``coco.names`` is in the same folder.
    """

    SIDE = 352

    def __init__(self, model: str) -> None:
        import onnxruntime  # pip install 'stgraph-captioning[adapters]'

        self.weights = model  # a file: its hash is kept with the features
        self.versions = {"onnxruntime": onnxruntime.__version__}
        self.label_names = Path(model).with_name("coco.names").read_text().split("\n")[:80]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, frames: list[np.ndarray]) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        return [self.detect(frame) for frame in frames]

    def detect(self, frame: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Boxes in pixels, scores and labels of an RGB frame."""
        height, width = frame.shape[:2]
        picture = torch.from_numpy(frame).permute(2, 0, 1).flip(0)[None].float() / 255  # BGR
        picture = torch.nn.functional.interpolate(picture, (self.SIDE, self.SIDE), mode="bilinear")
        output = torch.from_numpy(self.session.run(None, {"input.1": picture.numpy()})[0][0])  # [85, 22, 22]
        rows, columns = output.shape[1:]
        best, labels = output[5:].max(0)
        scores = output[0].clamp(min=0) ** 0.6 * best.clamp(min=0) ** 0.4
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centre = torch.stack([(x + output[1].tanh()) / columns, (y + output[2].tanh()) / rows], dim=-1)
        extent = output[3:5].sigmoid().permute(1, 2, 0)
        boxes = torch.cat([centre - extent / 2, centre + extent / 2], dim=-1).reshape(-1, 4)
        boxes = boxes * torch.tensor([width, height, width, height])
        scores, labels = scores.flatten(), labels.flatten()
        likely = (scores >= 0.1).nonzero()[:, 0]
        keep = likely[batched_nms(boxes[likely], scores[likely], labels[likely], 0.45)]
        return boxes[keep], scores[keep], labels[keep]


class Blobs:
    """The plug-in for generated videos, which show coloured things on dull ground."""

    weights, label_names = "none", BlobDetector.label_names

    def __call__(self, frames: list[np.ndarray]) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        found = [BlobDetector()(frame[None]) for frame in frames]
        return [(each.boxes, each.scores, each.labels) for each in found]


def agreement(folder: Path, detector: FastestDet | Blobs) -> tuple[float, int]:
    """Share of the given boxes of score >= 0.5 that the plug-in detects, too, at IoU >= 0.5; and their number."""
    hits, total = 0, 0
    captions = json.loads((folder / "clips" / "captions.json").read_text())
    for name, entry in captions.items():
        given = json.loads((folder / "detections" / f"{name}.json").read_text())
        with VideoReader(folder / entry["file"]) as video:
            pictures = video.read([frame["frame"] for frame in given["frames"]]).numpy()
        for frame, (boxes, _, _) in zip(given["frames"], detector(list(pictures)), strict=True):
            sure = [box for box, score in zip(frame["boxes"], frame["scores"], strict=True) if score >= 0.5]
            total += len(sure)
            if sure and len(boxes):
                hits += int((box_iou(torch.tensor(sure), boxes).amax(1) >= 0.5).sum())
    return hits / total, total


def read_captions(folder: Path) -> tuple[CaptionCorpus, dict[str, Path]]:
    """Step 1: captions by id, which is the file's name without its ending, all of training videos; and the files by id."""
    given = json.loads((folder / "clips" / "captions.json").read_text(encoding="utf-8"))
    corpus = CaptionCorpus(
        {name: VideoCaptions("train", tuple(entry["captions"])) for name, entry in given.items()}
    )
    return corpus, {name: folder / entry["file"] for name, entry in given.items()}


def extract(clips: Path, store: Path, detector: str, its_settings: Mapping[str, Any]) -> None:
    """Step 2: features of every video of a folder. The detector is named by module and class, so that a model can record it.

    An extraction that was interrupted continues from the same call, and a file that cannot be read is in
    ``outcome.failures``.
    """
    roi = {"features": "resnet18", "features_weights": "random", "side": 224, "score_threshold": 0.2}
    plan = ExtractionPlan(
        [
            ExtractorChoice("resnet18", {"weights": "random"}),
            ExtractorChoice(detector, {**its_settings, **roi}),
        ],
        FrameRule("spread", 10),
        allow=[detector],
    )
    planned = plan.build()
    videos, _ = find_videos(clips)
    outcome = extract_to_store(videos, planned, store, partial(extract_videos, planned=planned))
    print(info(store))
    if outcome.failures or validate(store):
        raise SystemExit(f"Not all videos could be extracted: {outcome.failures or validate(store)}")


def train(store: Path, corpus: CaptionCorpus, run: Path) -> tuple[CaptionDataModule, CaptionPipeline]:
    """Step 3: train both branches of STG-KD."""
    data = CaptionDataModule.from_store(
        store, corpus, builder=BUILDER, cache=True, batch_size=32, captions_per_epoch=8
    )
    lightning.seed_everything(0, verbose=False)
    model = STGraphCaptioner.for_data(
        data, hidden_channels=128, num_heads=4, feedforward_channels=256, dropout=0.0, input_norm="layer"
    )
    captioner = train_captioner(
        model,
        data,
        run,
        optimizer=partial(torch.optim.Adam, lr=1e-3),
        schedule=partial(cosine_with_warmup, warmup_steps=20),
        max_epochs=200,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return data, captioner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with clips/, detections/ and weights/")
    parser.add_argument("--out", type=Path, default=Path("runs/your_own_videos"))
    chosen = parser.parse_args()
    start = time.monotonic()
    work = chosen.out / "tutorial"  # all that this script writes, so that it can be run again
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    folder = chosen.data or write_raw_layout(work / "raw", video_files=True)

    name = "FastestDet" if chosen.data else "Blobs"
    onnx = folder / "weights" / "FastestDet.onnx"
    its_settings = {"model": str(onnx)} if chosen.data else {}
    detector = FastestDet(str(onnx)) if chosen.data else Blobs()
    share, total = agreement(folder, detector)
    print(
        f"{name} finds {share:.2f} of the {total} boxes that another detector is sure of (score >= 0.5, IoU >= 0.5)."
    )
    corpus, files = read_captions(folder)
    plug_in = f"{Path(__file__).stem}.{name}"  # imported by this name, as any module on the path
    store, run = work / "features.h5", work / "model"
    extract(folder / "clips", store, plug_in, its_settings)
    data, captioner = train(store, corpus, run)
    found = {
        branch: captioner.evaluate(data, split="train", branch=branch).scores["BLEU-4"]
        for branch in ("scene", "object")
    }

    # The scene branch needs no detector. The object branch runs yours, which must be allowed, as importing it runs its code.
    captions = captioner(list(files.values()))
    for caption in captions:
        print(f"{Path(caption.video_id).name}: {caption.text}")
    with_detector = CaptionPipeline.from_pretrained(
        run, allow=[plug_in], extractor_settings={"objects": its_settings}
    )
    for caption in with_detector(list(files.values())[:3], branch="object"):
        print(f"{Path(caption.video_id).name}, object branch: {caption.text}")

    print(f"\nTraining BLEU-4: scene branch {found['scene']:.3f}, object branch {found['object']:.3f}")
    print(f"{time.monotonic() - start:.0f} s; the model folder is {run}")
    stored = FeatureStore(store)
    for video, from_file in list(zip(files, captions, strict=True))[:5]:
        from_store = captioner(stored[video])
        if from_file.text != from_store.text:
            raise SystemExit(
                f"{video}: '{from_file.text}' from the file, '{from_store.text}' from the store."
            )
    if share < 0.5 or min(found.values()) < 0.8:
        raise SystemExit(
            "The boxes should be where another detector has most of its own, and a model this large should reproduce its "
            "few training captions: a BLEU-4 of 0.8 or more."
        )


if __name__ == "__main__":
    main()
