"""
An edge rule, an extractor and a captioner of your own
======================================================

The parts of the library are made to be replaced. This tutorial writes one of each kind in a few lines,
and registers it so that a trained model is saved with its name.
"""

# %%
# An edge rule
# ------------
# A rule takes the boxes, features and frame numbers of one video and returns edges and weights. This one
# links each object to the closest other object of its frame.

import torch

import stgraph as sg
from stgraph.graph import register_edge_rule


def closest(boxes, features, frame):
    """Links each object to the one other object of its frame whose centre is closest."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    distance = torch.cdist(centre, centre)
    distance[frame[:, None] != frame] = torch.inf
    distance.fill_diagonal_(torch.inf)
    distance, target = distance.min(1)
    source = torch.arange(len(boxes))[distance.isfinite()]
    return torch.stack([source, target[source]]), torch.ones(len(source))


register_edge_rule("closest", closest)

# %%
# With a name, it is used like the library's own rules, next to them, and in ``config.json`` of a model.

corner = torch.tensor([[10, 20], [55, 30], [70, 70], [20, 22], [60, 32], [72, 70]])
detections = sg.Detections.from_raw(
    boxes=torch.cat([corner, corner + 25], 1),
    frame_numbers=[0, 0, 0, 1, 1, 1],
    track=[0, 1, 2, 0, 1, 2],
    size=(110, 110),
)
builder = sg.VideoGraphBuilder(spatial="closest", temporal="track")
graph = builder(detections)
print(graph)
print(builder.config)

# %%

import numpy as np

from stgraph.inspection import draw_graph

draw_graph(graph, np.full((2, 110, 110, 3), 225, np.uint8), title="Each object and the closest other one")

# %%
# An extractor
# ------------
# An extractor turns frames into vectors. It says which stream it fills and what its weights are; the
# rest, from reading files to writing the store, is the library's. This one describes a frame by the mean
# colour of its 16 parts.

from stgraph.extraction.extractors import Extractor


class Colours(Extractor):
    """Mean colour of 4 x 4 parts of a frame, ``[48]``."""

    streams = ("appearance",)
    weights = "none"

    def preprocess(self, frames):
        """One frame as small numbers; runs in the threads that read."""
        picture = frames[0].permute(2, 0, 1)[None].float() / 255
        return torch.nn.functional.adaptive_avg_pool2d(picture, 4).flatten()

    def extract(self, items):
        """A batch of frames; runs where the model is."""
        return [{"appearance": item} for item in items]


picture = torch.randint(0, 256, (1, 90, 120, 3), dtype=torch.uint8)
extractor = Colours()
features = extractor.extract([extractor.preprocess(picture)])
print(features[0]["appearance"].shape)

# %%
# In a module, it is chosen by its name, in ``ExtractorChoice("my_module.Colours")`` or ``appearance=own
# appearance.name=my_module.Colours``. A tutorial with a detector of its own is
# :doc:`/notebooks/videos_to_captions`.

# %%
# A captioner
# -----------
# A captioner says how a video becomes a memory for the language model; losses, decoding, scores and the
# command line follow. This one sees the mean of each frame's boxes.

from torch_geometric.utils import scatter

from stgraph.nn import CaptionTransformer, pad_frames


@sg.register_model
class MeanObjects(sg.CaptioningModel):
    """Captions from the mean of each frame's objects."""

    name = "mean_objects"

    def __init__(
        self, vocab_size: int, *, object_channels: int, hidden_channels: int = 64, max_length: int = 20
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.project = torch.nn.Linear(object_channels, hidden_channels)
        self.decoder = CaptionTransformer(vocab_size, hidden_channels, num_heads=4)

    def encode(self, graph, branch):
        num_frames = torch.as_tensor(graph.num_frames).reshape(-1)
        means = scatter(graph.x, graph.frame, dim_size=int(num_frames.sum()), reduce="mean")
        return self.decoder.encode(*pad_frames(self.project(means), num_frames))


# %%
# It trains, saves and loads like the others.

import logging
import warnings
from functools import partial

import lightning
from torch.optim import Adam

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")
lightning.seed_everything(0, verbose=False)

data = sg.CaptionDataModule(train=[(graph, ["three things stand in a row", "three things"])], builder=builder)
model = MeanObjects.for_data(data, hidden_channels=32)
_ = sg.train_captioner(
    model,
    data,
    "runs/mean_objects",
    optimizer=partial(Adam, lr=5e-3),
    max_epochs=30,
    enable_progress_bar=False,
    enable_model_summary=False,
)
captioner = sg.CaptionPipeline.from_pretrained("runs/mean_objects")
print(captioner(detections).text)
print(captioner.config.model, captioner.builder)

# %%
# In a package
# ------------
# ``register_edge_rule`` and ``register_model`` make a name known in this process. A package that
# declares entry points makes it known to every command, as in ``stgraph train model=mean_objects
# graph.spatial=closest``:
#
# .. code-block:: toml
#
#     [project.entry-points."stgraph.edge_rules"]
#     closest = "my_package.rules:closest"
#
#     [project.entry-points."stgraph.models"]
#     mean_objects = "my_package.models:MeanObjects"
#
#     [project.entry-points."stgraph.extractors"]
#     colours = "my_package.extractors:Colours"
