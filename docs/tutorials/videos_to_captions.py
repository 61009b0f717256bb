"""
Your own mp4 files to captions and a page
=========================================

You have a folder of videos and a sentence or two about some of them. This tutorial extracts features
from the files, trains a captioner, captions a file, and writes a page that shows which frames each word
rests on.
"""

# %%
# Videos and sentences
# --------------------
# A folder of videos and a table of captions are all that is needed. These are generated here: coloured
# things that do something to each other, in mp4 files of five seconds.

import csv
from pathlib import Path

from stgraph.datasets.interactions import FPS, make_scene, reference_sentences, render_video, video_id
from stgraph.video import write_video

Path("videos").mkdir()
with open("captions.csv", "w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["id", "caption", "split"])
    for index in range(12):
        write_video(f"videos/clip{index}.mp4", render_video(video_id(0, index)), FPS)
        for sentence in reference_sentences(make_scene(0, index), 0, index)[:2]:
            table.writerow([f"clip{index}", sentence, "train"])
print(*Path("captions.csv").read_text(encoding="utf-8").splitlines()[:4], sep="\n")

# %%
# Features
# --------
# A detector finds the objects of each sampled frame, and a backbone describes them by vectors. Any
# callable that takes frames and returns boxes, scores and labels is a detector; it has to be in a
# module, so that a trained model can name it. This one finds things that are coloured. Without
# ``features_weights="random"`` the ResNet-18 has torchvision's weights, which are downloaded once.

import sys

Path("my_detector.py").write_text(
    """
from stgraph.datasets.interactions.pixels import BlobDetector


class ColouredThings:
    label_names = BlobDetector.label_names
    weights = "none"

    def __call__(self, frames):
        found = [BlobDetector()(frame[None]) for frame in frames]
        return [(each.boxes, each.scores, each.labels) for each in found]
"""
)
sys.path.insert(0, str(Path.cwd()))  # where my_detector.py is

# %%

from functools import partial

from stgraph.extraction import (
    ExtractionPlan,
    ExtractorChoice,
    FrameRule,
    extract_to_store,
    extract_videos,
    find_videos,
)
from stgraph.features.store import info

ALLOWED = ["my_detector.ColouredThings"]
plan = ExtractionPlan(
    [
        ExtractorChoice(
            ALLOWED[0],
            {"features": "resnet18", "features_weights": "random", "side": 112, "score_threshold": 0.2},
        ),
    ],
    FrameRule("spread", 6),
    allow=ALLOWED,
).build()
sources, _ = find_videos("videos")
outcome = extract_to_store(sources, plan, "features.h5", partial(extract_videos, planned=plan))
print(info("features.h5"))
print("failures:", outcome.failures)

# %%
# The command ``stgraph extract videos features.h5`` does the same with a ResNet-101, S3D and a Faster
# R-CNN. It continues where it was stopped, and a file that cannot be read is named at the end while the
# others go on (:doc:`/extraction`).
#
# Training
# --------
# With twelve videos the question is not whether the model knows other videos, but whether what is in the
# files reaches the words: here all of them are training videos, which the model should learn by heart.
# It is the object branch of STG-KD alone, and small.

import logging
import warnings

import lightning
from torch.optim import Adam

import stgraph as sg

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")
lightning.seed_everything(0, verbose=False)
data = sg.CaptionDataModule.from_store(
    "features.h5",
    "captions.csv",
    builder=sg.VideoGraphBuilder(max_objects=5, score_threshold=0.2),
    batch_size=24,
    captions_per_epoch=2,
    cache=True,
)
model = sg.STGraphCaptioner.for_data(
    data,
    branches=("object",),
    hidden_channels=64,
    num_graph_layers=1,
    pool="attention",
    num_layers=1,
    num_heads=4,
    feedforward_channels=128,
    dropout=0.0,
    input_norm="layer",
)
_ = sg.train_captioner(
    model,
    data,
    "runs/clips",
    optimizer=partial(Adam, lr=3e-3),
    max_epochs=80,
    enable_progress_bar=False,
    enable_model_summary=False,
)

# %%
# Captions of files
# -----------------
# The folder ``runs/clips`` is a model folder. It names the extractors, which are built again for the
# file. The detector must be allowed by name, as importing a module runs its code.

captioner = sg.CaptionPipeline.from_pretrained("runs/clips", allow=ALLOWED)
for number in range(3):
    print(f"clip{number}:", captioner(f"videos/clip{number}.mp4").text)
    print("references:", *data.corpus.captions(f"clip{number}"), sep="\n  ")

# %%
# A page
# ------
# The page has the frames, the boxes and edges over them, and the words: choose one, and the frames that
# it rests on light up.

from stgraph.features.store import FeatureStore
from stgraph.inspection import CaptionView, write_page
from stgraph.video import VideoReader

caption = captioner("videos/clip1.mp4", attention=True)
store = FeatureStore("features.h5")
video = store["clip1"]
with VideoReader("videos/clip1.mp4") as reader:
    frames = reader.read(video.frame_index.tolist())
graph = captioner.builder(video.detections)
view = CaptionView(
    "object branch, attention", [*caption.text.split(), "(end)"], frames=caption.attention["frames"]
)
write_page(
    "clip1.html",
    graph,
    frames,
    captions=[view],
    references=data.corpus.captions("clip1"),
    label_names=store.label_names,
    title="clip1",
)
Path("clip1.html")

# %%
# The same as a picture for a paper:

from stgraph.inspection import draw_attention

draw_attention(caption, frames, graph, "clip1.svg")
