"""An extractor of somebody else's package, found by its entry point from extraction to the caption of a file."""

import json
import shutil
import subprocess
import sys

import pytest

from stgraph import CaptionPipeline
from stgraph.cli import main
from stgraph.errors import ModelFolderError, OptionError
from stgraph.extraction.extractors.registry import ENTRY_POINTS
from stgraph.features.store import FeatureStore
from tests.extraction.files import folder_of_videos
from tests.plugins import install_package

NAME = "acme.brightness"  # the entry point; the module has another name
SOURCE = '''
import torch
from stgraph.extraction.extractors import Extractor


class Brightness(Extractor):
    """Mean and spread of each colour of a frame, times ``gain``."""

    streams = ("appearance",)
    weights = "none"
    versions = {"acme-vision": "1.0"}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def preprocess(self, pictures):
        return pictures[0].float().flatten(0, 1)

    def extract(self, items):
        return [{"appearance": torch.cat([item.mean(0), item.std(0)]) * self.gain} for item in items]
'''
TRAINING = [
    "data=store",
    "model.branches=[scene]",
    "model.hidden_channels=16",
    "model.num_heads=2",
    "model.feedforward_channels=16",
    "trainer.max_epochs=1",
    "trainer.enable_progress_bar=false",
    "trainer.accelerator=cpu",
    "data.loader.batch_size=4",
]


def install(folder, monkeypatch):
    points = {ENTRY_POINTS: {NAME: "acme_vision.frames:Brightness"}}
    return install_package(folder, monkeypatch, {"acme_vision.frames": SOURCE}, points, name="acme-vision")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with ``package``, ``videos``, ``store.h5`` and a model trained on it in ``run``; nothing stays installed."""
    folder = tmp_path_factory.mktemp("plugin")
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(folder / "package", monkeypatch)
        videos = folder_of_videos(folder / "videos")
        chosen = ["appearance=own", f"appearance.name={NAME}", "+appearance.gain=0.1"]
        others = ["motion=none", "objects=none", "dtype=float32"]
        assert main(["extract", str(videos), str(folder / "store.h5"), *chosen, *others]) == 0
        captions = {
            f"video{k}": {"split": "train", "captions": [f"a wall number {k}", "a wall"]} for k in range(5)
        }
        (folder / "captions.json").write_text(json.dumps(captions))
        data = [
            f"data.dataset.store={folder / 'store.h5'}",
            f"data.dataset.captions={folder / 'captions.json'}",
        ]
        assert main(["train", *TRAINING, *data, f"run={folder / 'run'}"]) == 0
    return folder


def test_store_and_model_folder_record_the_extractor_by_name(made):
    stored = FeatureStore(made / "store.h5").extractors["appearance"]
    kept = json.loads((made / "run" / "config.json").read_text())["extractors"]["appearance"]
    assert stored.name == kept["name"] == NAME
    assert stored.settings["gain"] == kept["settings"]["gain"] == 0.1
    assert stored.versions["acme-vision"] == "1.0"


def test_a_file_gets_the_caption_of_its_stored_features_and_needs_no_leave(made, monkeypatch):
    install(made / "package", monkeypatch)
    pipeline = CaptionPipeline.from_pretrained(made / "run")
    stored = list(pipeline.caption_store(FeatureStore(made / "store.h5"), ["video1", "video4"]))
    for caption in stored:
        found = pipeline.caption(made / "videos" / f"{caption.video_id}.mp4")
        assert found.text == caption.text
        assert found.log_probs == pytest.approx(caption.log_probs, abs=1e-5)


def test_another_process_finds_it_too(made, monkeypatch):
    install(made / "package", monkeypatch)
    start = "import sys; from stgraph.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", start, "caption", str(made / "videos" / "video2.mp4")]
    ended = subprocess.run(
        [*command, "--model", str(made / "run")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"{made / 'videos' / 'video2.mp4'}\t")


def test_without_the_package_the_extractor_is_named(made, tmp_path):
    with pytest.raises((ModelFolderError, OptionError), match=f"There is no extractor '{NAME}'"):
        CaptionPipeline.from_pretrained(made / "run").caption(made / "videos" / "video0.mp4")
    run = shutil.copytree(made / "run", tmp_path / "run", ignore=shutil.ignore_patterns("log"))
    stored = FeatureStore(made / "store.h5")  # stored features need no extractor
    assert next(iter(CaptionPipeline.from_pretrained(run).caption_store(stored, ["video0"]))).text is not None
