"""A captioner and an edge rule of somebody else's package, from training to a caption of a file and a row of a table."""

import json

import pytest

from stgraph import CaptionPipeline
from stgraph.cli import main
from stgraph.errors import ModelFolderError
from tests.extraction.files import folder_of_videos
from tests.plugins import install_package

MODEL = '''
import torch

from stgraph.models import CaptioningModel
from stgraph.nn import CaptionTransformer, FrameMeanPool, ResidualGCNConv, pad_frames


class LabCaptioner(CaptioningModel):
    """A graph convolution of its own over objects and frames."""

    name = "lab"

    def __init__(
        self, vocab_size: int, object_channels: int, *, hidden_channels: int = 16, max_length: int = 20
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.project = torch.nn.Linear(object_channels, hidden_channels)
        self.conv = ResidualGCNConv(hidden_channels)
        self.pool = FrameMeanPool()
        self.decoder = CaptionTransformer(
            vocab_size, hidden_channels, num_heads=2, num_layers=1, feedforward_channels=16
        )

    def encode(self, graph, branch):
        num_frames = torch.as_tensor(graph.num_frames).reshape(-1)
        nodes = self.conv(self.project(graph.x), graph.edge_index, graph.edge_weight)
        return self.decoder.encode(*pad_frames(self.pool(nodes, graph.frame, int(num_frames.sum())), num_frames))
'''
RULE = '''
import torch


def to_the_first(boxes, features, frame):
    """Links every box of a video to its first box."""
    node = torch.arange(len(frame))
    return torch.stack([node, torch.zeros_like(node)]), torch.full((len(frame),), 0.5)
'''
OBJECTS = '''
import torch
from stgraph.extraction.extractors import Extractor, FrameObjects


class Corners(Extractor):
    """The upper left quarter of each frame, described by its mean colour."""

    streams = ("object",)
    weights = "none"

    def preprocess(self, pictures):
        return pictures[0]

    def extract(self, items):
        found = []
        for picture in items:
            height, width = picture.shape[:2]
            corner = picture[: height // 2, : width // 2].float().mean((0, 1), keepdim=False)[None] / 255
            box = torch.tensor([[0.0, 0.0, width / 2, height / 2]])
            found.append({"object": FrameObjects(boxes=box, scores=torch.tensor([0.9]), features=corner)})
        return found
'''
SMALL = (
    "model=lab",
    "model.hidden_channels=8",
    "graph.spatial=null",
    "graph.temporal=to_the_first",
    "trainer.max_epochs=1",
    "trainer.enable_progress_bar=false",
    "trainer.accelerator=cpu",
)
TABLE = """
title: A model of one's own
source: house
experiment: null
references: [lab]
rows:
  lab: {title: Lab}
  lab_iou: {title: Lab with overlap, settings: [graph.spatial=iou, graph.temporal=null]}
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    points = {
        "stgraph.models": {"lab": "lab_models.captioner:LabCaptioner"},
        "stgraph.edge_rules": {"to_the_first": "lab_models.rule:to_the_first"},
        "stgraph.extractors": {"lab.corners": "lab_models.objects:Corners"},
    }
    modules = {"lab_models.captioner": MODEL, "lab_models.rule": RULE, "lab_models.objects": OBJECTS}
    return install_package(tmp_path / "package", monkeypatch, modules, points)


def test_it_trains_and_captions_a_file_by_the_command_line(installed, tmp_path, capsys, monkeypatch):
    videos = folder_of_videos(tmp_path / "videos")
    store = tmp_path / "store.h5"
    chosen = ["objects=own", "objects.name=lab.corners", "appearance=none", "motion=none"]
    assert main(["extract", str(videos), str(store), *chosen]) == 0
    captions = {f"video{k}": {"split": "train", "captions": [f"a wall number {k}"]} for k in range(5)}
    (tmp_path / "captions.json").write_text(json.dumps(captions))
    data = [
        "data=store",
        f"data.dataset.store={store}",
        f"data.dataset.captions={tmp_path / 'captions.json'}",
    ]
    run = tmp_path / "run"
    assert main(["train", *SMALL, *data, f"run={run}"]) == 0
    saved = json.loads((run / "config.json").read_text())
    assert (saved["model"], saved["graph"]["temporal"]) == ("lab", "to_the_first")
    assert saved["arguments"]["hidden_channels"] == 8
    capsys.readouterr()
    file = str(videos / "video1.mp4")
    assert main(["caption", file, "--model", str(run)]) == 0
    caption = CaptionPipeline.from_pretrained(run)(file)
    assert capsys.readouterr().out == f"{file}\t{caption.text}\n"
    monkeypatch.undo()
    with pytest.raises(ModelFolderError, match="temporal|names the model 'lab', which is not installed here"):
        CaptionPipeline.from_pretrained(run)


def test_it_is_a_row_of_a_table(installed, tmp_path):
    table = tmp_path / "own.yaml"
    table.write_text(TABLE)
    sweep = [
        f"table={table}",
        "seeds=1",
        "jobs=1",
        f"results={tmp_path / 'results'}",
        f"runs={tmp_path / 'runs'}",
    ]
    settings = ["data=interactions_tiny", "data.loader.captions_per_epoch=1", *SMALL]
    assert main(["ablate", *sweep, *settings]) == 0
    page = (tmp_path / "results" / "own" / "table.md").read_text()
    assert "Lab with overlap" in page
    cell = json.loads((tmp_path / "results" / "own" / "lab" / "0.json").read_text())
    assert set(cell["scores"]) == {"lab"}


def test_a_misspelt_name_gets_the_nearest(installed, capsys):
    assert main(["train", "model=labb"]) == 1
    assert "did you mean 'lab'" in capsys.readouterr().err
