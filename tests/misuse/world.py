"""Small models, graphs, stores and files that valid calls are made of; what is expensive is made once."""

from __future__ import annotations

import functools
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stgraph.parsing import RECORD
from tests.decoding.systems import system, videos
from tests.features.store.samples import random_video, write

SMALL = {"hidden_channels": 16, "num_heads": 2, "feedforward_channels": 16, "dropout": 0.0}
SENTENCES = ("a cat jumps", "a dog runs fast")


@functools.cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="misuse"))


@functools.cache
def store_path() -> Path:
    path = folder() / "store.h5"
    counts = ((2, 0, 3), (2, 0, 3), (2, 0, 3), (2, 1, 3))
    write(path, [random_video(seed, counts[seed], name=f"video{seed}") for seed in range(4)])
    return path


def store() -> Any:
    from stgraph.features import FeatureStore

    return FeatureStore(store_path())


def corpus() -> Any:
    from stgraph.datasets import CaptionCorpus, VideoCaptions

    split = ("train", "train", "val", "test")
    return CaptionCorpus(
        {f"video{index}": VideoCaptions(name, SENTENCES, "animals") for index, name in enumerate(split)}
    )


def dataset() -> Any:
    from stgraph.datasets import StoredDataset

    return StoredDataset("small", store(), corpus())


def fresh_data() -> Any:
    """The data module of a captioning run on the store; some calls change which streams it reads."""
    from stgraph import CaptionDataModule, VideoGraphBuilder

    builder = VideoGraphBuilder(max_objects=3)
    return CaptionDataModule.from_dataset(
        dataset(), builder=builder, num_frames=3, cache=True, batch_size=2, max_length=8
    )


@functools.cache
def data() -> Any:
    """`fresh_data` for calls that change nothing."""
    return fresh_data()


@functools.cache
def captioner() -> Any:
    """A captioner with random weights that fits `data`."""
    from stgraph import CaptionPipeline, STGraphCaptioner

    torch.manual_seed(0)
    made = STGraphCaptioner.for_data(data(), **SMALL).eval()
    return CaptionPipeline(made, data().tokenizer, data().model_config(made))


@functools.cache
def model_folder() -> Path:
    captioner().save_pretrained(folder() / "model")
    return folder() / "model"


@functools.cache
def classifier_folder() -> Path:
    classifier().save_pretrained(folder() / "classifier")
    return folder() / "classifier"


def batch() -> Any:
    return next(iter(data().train_dataloader()))


def tokenizer() -> Any:
    return data().tokenizer


@functools.cache
def model(name: str = "object") -> Any:
    return system(name, vocab_size=tokenizer().vocab_size)


@functools.cache
def _graphs() -> Any:
    return videos(["ant", "bee"])


def graphs() -> Any:
    return _graphs().clone()


def graph() -> Any:
    return videos(["ant"])[0]


def detections() -> Any:
    return random_video(1).detections


def video() -> Any:
    return random_video(1, name="video1")


@functools.cache
def examples() -> Any:
    """Graphs with the class of each."""
    from stgraph import VideoGraphBuilder

    made = []
    for seed in range(4):
        graph = VideoGraphBuilder()(random_video(seed).detections)
        graph.video_id = f"clip{seed}"
        made.append((graph, ("drink", "eat")[seed % 2]))
    return made


@functools.cache
def labelled() -> Any:
    """The data module of a classification run."""
    from stgraph import ClassificationDataModule

    return ClassificationDataModule(
        examples()[:2], examples()[2:3], examples()[3:], classes=("drink", "eat"), batch_size=2
    )


@functools.cache
def classifier() -> Any:
    from stgraph import ClassificationPipeline, GraphClassifier

    torch.manual_seed(0)
    made = GraphClassifier.for_data(labelled(), hidden_channels=8).eval()
    return ClassificationPipeline(made, labelled().model_config(made))


@functools.cache
def cad120() -> Path:
    from tests.datasets.tracks.layouts import write_cad120

    return write_cad120(folder() / "cad120")


@functools.cache
def jaad() -> Path:
    from tests.datasets.tracks.layouts import write_jaad_packed

    (folder() / "jaad").mkdir()
    return write_jaad_packed(folder() / "jaad")


@functools.cache
def action_genome() -> Path:
    from tests.datasets.tracks.layouts import write_action_genome

    (folder() / "action_genome").mkdir()
    return write_action_genome(folder() / "action_genome")


@functools.cache
def vidvrd() -> Path:
    from tests.datasets.tracks.layouts import vidvrd_video, write_json

    write_json(folder() / "vidvrd" / "train" / "v0.json", vidvrd_video())
    return folder() / "vidvrd"


@functools.cache
def vidor() -> Path:
    from tests.datasets.tracks.layouts import vidvrd_video, write_json

    write_json(folder() / "vidor" / "training" / "0000" / "v0.json", vidvrd_video())
    return folder() / "vidor"


@functools.cache
def clip() -> Path:
    """A video file."""
    import numpy as np

    from stgraph.video import write_video

    draw = np.random.default_rng(0)
    path = folder() / "clips" / "clip.mp4"
    path.parent.mkdir()
    write_video(path, draw.integers(0, 255, (8, 32, 48, 3), dtype=np.uint8))
    return path


@functools.cache
def written(name: str, text: str) -> Path:
    path = folder() / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@functools.cache
def corpus_file() -> Path:
    corpus().save(folder() / "corpus.json")
    return folder() / "corpus.json"


@functools.cache
def msrvtt_file() -> Path:
    """Captions of MSR-VTT by number."""
    content = {f"video{number}": {"category": 1, "captions": list(SENTENCES)} for number in range(1_000)}
    return written("msrvtt.json", json.dumps(content))


def captions_file() -> Path:
    rows = [{"id": f"video{index}", "caption": SENTENCES[0], "split": "train"} for index in range(4)]
    return written("captions.json", json.dumps(rows))


@dataclass(frozen=True)
class Recorded:
    """What `read_record` reads."""

    __pydantic_config__ = RECORD

    id: str
    path: str
