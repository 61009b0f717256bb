"""Your own video files -> a detector of yours and a backbone -> a store -> STG-KD -> captions of files.

You have a folder of videos, a few captions of each, and some detector. This script goes the whole way with them, and every
step is one command that you can copy:

    python docs/tutorials/your_own_videos.py --data FOLDER --out runs/mine

FOLDER holds ``clips/captions.json`` with the video files beside it, ``detections/ID.json`` (boxes of another detector, to
compare with) and ``weights/FastestDet.onnx`` with ``weights/coco.names``, a detector of 1 MB. Without ``--data`` such a
folder is first made from generated videos, and a detector of coloured blobs stands in for FastestDet.

The backbone has random weights here, so that nothing is downloaded; without ``weights=random`` torchvision's are fetched.
All videos are used for training: with so few, the question is whether the whole chain works, not whether it generalises.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torchvision.ops import batched_nms, box_iou

from stgraph import CaptionPipeline
from stgraph.cli import main as stgraph_command
from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.datasets.interactions import write_raw_layout
from stgraph.datasets.interactions.pixels import BlobDetector
from stgraph.features.store import FeatureStore
from stgraph.video import VideoReader

THRESHOLD = 0.3

TRAINING = [
    "data=store",
    "data.cache=true",
    f"graph.score_threshold={THRESHOLD}",
    "data.loader.batch_size=32",
    "data.loader.captions_per_epoch=8",
    "model.hidden_channels=128",
    "model.num_heads=4",
    "model.feedforward_channels=256",
    "model.dropout=0.0",
    "model.input_norm=layer",
    "optimizer.lr=1e-3",
    "schedule=cosine",
    "schedule.warmup_steps=20",
    "trainer.max_epochs=300",
    "trainer.enable_progress_bar=false",
]


class FastestDet:
    """A plug-in: any object that is called with frames and returns boxes. Here FastestDet, through onnxruntime.

    Args:
        model: ``FastestDet.onnx``; ``coco.names`` lies beside it.
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
    """The plug-in of generated videos: coloured things on dull ground."""

    weights, label_names = "none", BlobDetector.label_names

    def __call__(self, frames: list[np.ndarray]) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        found = [BlobDetector()(frame[None]) for frame in frames]
        return [(each.boxes, each.scores, each.labels) for each in found]


def agreement(folder: Path, detector: FastestDet | Blobs) -> tuple[float, int]:
    """Share of the given boxes of score >= 0.5 with a detection of the plug-in at IoU >= 0.5, and their number."""
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


def write_captions(folder: Path, path: Path) -> dict[str, str]:
    """Captions by id, the id being the file's name without its ending; all videos train. The files by id."""
    given = json.loads((folder / "clips" / "captions.json").read_text())
    CaptionCorpus(
        {name: VideoCaptions("train", tuple(entry["captions"])) for name, entry in given.items()}
    ).save(path)
    return {name: str(folder / entry["file"]) for name, entry in given.items()}


def run(command: list[str]) -> None:
    """The command line, called from here; a failure ends the tutorial."""
    print("\n$ stgraph " + " ".join(command), flush=True)
    if stgraph_command(command) != 0:
        raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with clips/, detections/ and weights/")
    parser.add_argument("--out", type=Path, default=Path("runs/your_own_videos"))
    chosen = parser.parse_args()
    start = time.monotonic()
    out: Path = chosen.out
    out.mkdir(parents=True, exist_ok=True)
    folder = chosen.data or write_raw_layout(out / "raw", video_files=True)

    # The plug-in is named by module and class; `stgraph` started from a shell finds it on PYTHONPATH.
    name = "FastestDet" if chosen.data else "Blobs"
    onnx = folder / "weights" / "FastestDet.onnx"
    its_file = [f"+objects.model={onnx}"] if chosen.data else []
    store, captions, model = out / "features.h5", out / "captions.json", out / "model"
    files = write_captions(folder, captions)
    detector = FastestDet(str(onnx)) if chosen.data else Blobs()
    share, total = agreement(folder, detector)
    print(
        f"{name} finds {share:.2f} of the {total} boxes that another detector is sure of (score >= 0.5, IoU >= 0.5)."
    )

    plug_in = f"{Path(__file__).stem}.{name}"
    backbone = ["appearance=resnet18", "appearance.weights=random", "motion=none"]
    objects = ["objects=own_detector", f"objects.name={plug_in}", *its_file]
    objects += [
        "objects.features=resnet18",
        "objects.features_weights=random",
        "objects.side=224",
        "objects.score_threshold=0.2",
    ]
    run(["extract", str(folder / "clips"), str(store), *backbone, *objects])
    run(["store", "validate", str(store)])
    dataset = [f"data.dataset.store={store}", f"data.dataset.captions={captions}"]
    run(["train", *TRAINING, *dataset, f"run={model}"])
    scores = {}
    for branch in ("scene", "object"):
        run(["evaluate", str(model), "split=train", f"branch={branch}"])
        scores[branch] = json.loads((model / f"evaluation-train-{branch}.json").read_text())
    run(["caption", *files.values(), "--model", str(model)])  # the scene branch: no detector runs
    few = list(files.values())[:3]
    run(["caption", *few, "--model", str(model), "--allow", plug_in, "branch=object", *its_file, "--json"])

    found = {branch: score["scores"]["BLEU-4"] for branch, score in scores.items()}
    print(f"\nTraining BLEU-4: scene branch {found['scene']:.3f}, object branch {found['object']:.3f}")
    print(f"{time.monotonic() - start:.0f} s; the model folder is {model}")
    captioner, videos = CaptionPipeline.from_pretrained(model), FeatureStore(store)
    for name, path in list(files.items())[:5]:
        from_file, stored = captioner.caption(path), captioner.caption(videos[name])
        if from_file.text != stored.text:
            raise SystemExit(f"{path}: '{from_file.text}' by the file, '{stored.text}' by the store.")
    if share < 0.5 or min(found.values()) < 0.8:
        raise SystemExit(
            "The boxes should be where another detector has most of its own, and the model should know its few training "
            "videos by heart, at a BLEU-4 of 0.8 or more."
        )


if __name__ == "__main__":
    main()
