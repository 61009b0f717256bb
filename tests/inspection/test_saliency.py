import numpy as np
import pytest
import torch
from torch import nn

from stgraph.errors import OptionError, ShapeError
from stgraph.features import VideoFeatures
from stgraph.features.video_features import GridFeatures
from stgraph.graph import GraphConfig
from stgraph.inspection import caption_saliency, draw_saliency, grad_cam
from stgraph.models import ExtractorConfig, ModelConfig, STaTSCaptioner, STGraphCaptioner
from stgraph.pipeline import CaptionPipeline
from stgraph.text import CaptionTokenizer

WORDS = "a red square chases the green disc"
FRAMES = torch.randint(0, 255, (3, 24, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Backbone:
    """A convolution, a ReLU and a pool, and the same written out for single maps."""

    def __init__(self):
        torch.manual_seed(3)
        self.convolution = nn.Conv2d(3, 5, 4, stride=4).double().requires_grad_(False)

    def preprocess(self, frames):
        return frames[0].permute(2, 0, 1)[:, 4:20, 8:24]

    def maps_and_vectors(self, items):
        maps = self.convolution(torch.stack(list(items)).double() / 255).relu()
        return maps, maps.mean((2, 3))

    def area(self, height, width):
        return 8.0, 4.0, 24.0, 20.0


def captioner(**arguments):
    tokenizer = CaptionTokenizer.from_captions([WORDS])
    torch.manual_seed(1)
    if "grid_channels" in arguments:
        model = STaTSCaptioner(
            tokenizer.vocab_size, embedding_channels=8, attention_channels=8, word_channels=8, hidden_channels=8,
            max_length=5, **arguments,
        )  # fmt: skip
    else:
        model = STGraphCaptioner(
            tokenizer.vocab_size, hidden_channels=8, num_heads=2, num_layers=1, num_graph_layers=1,
            feedforward_channels=8, max_length=5, **arguments,
        )  # fmt: skip
    records = {"appearance": ExtractorConfig(name="own", weights="none")}
    config = ModelConfig(
        model=model.name, arguments=model.config, graph=GraphConfig(), num_frames=None, extractors=records
    )
    return CaptionPipeline(model.double(), tokenizer, config)


def features(appearance=None, grids=None):
    return VideoFeatures(
        "v", (24, 32), torch.arange(3), torch.arange(3) / 5, appearance=appearance, grids=grids or {}
    )


SCENE = {"appearance_channels": 5, "branches": ("scene",)}


def log_prob_of(pipeline, vectors):
    """Log-probability of the greedy caption as a function of the frame vectors."""
    from stgraph.graph import graphs_of

    def graph(values):
        found = graphs_of([features(values)], pipeline.builder, None)
        found.appearance = values
        return found

    special = pipeline.tokenizer.special_tokens
    tokens = pipeline.model.generate(graph(vectors), special).tokens
    before = torch.cat([torch.full((1, 1), special.bos), tokens[:, :-1]], 1)

    def value(values):
        with torch.no_grad():
            scores = pipeline.model(graph(values), before, torch.zeros(1, dtype=torch.long))["scene"][0]
            return sum(
                float(row.log_softmax(0)[word]) for row, word in zip(scores, tokens[0], strict=True) if word
            )

    return value


def test_the_pixel_gradient_is_the_difference_quotient_and_grad_cam_is_its_formula():
    pipeline, backbone = captioner(**SCENE), Backbone()
    crops = torch.stack([backbone.preprocess(frame[None]) for frame in FRAMES]).double()
    maps, vectors = backbone.maps_and_vectors(crops)
    found = caption_saliency(pipeline, features(vectors), FRAMES, backbone=backbone)
    assert (found.source, found.area) == ("pixels", (8.0, 4.0, 24.0, 20.0))
    value = log_prob_of(pipeline, vectors)
    assert found.log_prob == pytest.approx(value(vectors), abs=1e-6)

    def at(t, y, x, c, step):
        moved = crops.clone()
        moved[t, c, y, x] += step
        return value(backbone.maps_and_vectors(moved)[1])

    for t, y, x in ((0, 3, 5), (2, 15, 0)):
        slopes = [255 * (at(t, y, x, c, 0.5) - at(t, y, x, c, -0.5)) for c in range(3)]
        assert float(found.gradient[t, y, x]) == pytest.approx(
            float(np.linalg.norm(slopes)), rel=1e-2, abs=1e-7
        )

    step = 1e-4  # of a frame vector, which is the mean over 16 cells
    for t in range(3):
        weights = []
        for k in range(5):
            high, low = vectors.clone(), vectors.clone()
            high[t, k] += step
            low[t, k] -= step
            weights.append((value(high) - value(low)) / (2 * step) / 16)
        expected = (torch.tensor(weights)[:, None, None] * maps[t]).sum(0).clamp(min=0)
        torch.testing.assert_close(found.grad_cam[t], expected, rtol=1e-3, atol=1e-8)
    assert float(found.grad_cam.max()) > 0


def test_without_a_backbone_each_frame_has_one_value():
    pipeline = captioner(**SCENE)
    found = caption_saliency(pipeline, features(torch.rand(3, 5).double()))
    assert (found.source, found.gradient.shape, found.area) == ("frames", (3, 1, 1), None)
    assert bool((found.gradient > 0).all())


def test_cells_of_a_grid_lie_where_they_are_in_the_frame():
    pipeline = captioner(grid_channels={"grid/x": 4}, attention="ts")
    cells = torch.zeros(3, 9, 4).double()
    cells[1, 5] = torch.tensor([4.0, 3.0, 5.0, 2.0])  # middle row, last column
    found = caption_saliency(pipeline, features(grids={"x": GridFeatures(cells, torch.arange(3))}))
    assert found.source == "cells"
    assert found.gradient.shape == (3, 3, 3)
    others = torch.ones(3, 3, 3, dtype=torch.bool)
    others[1, 1, 2] = False
    assert float(found.grad_cam[others].abs().max()) == 0  # Grad-CAM is 0 where all features are


def test_the_model_learns_nothing_and_keeps_its_mode():
    pipeline = captioner(**SCENE)
    caption_saliency(pipeline, features(torch.rand(3, 5).double()))
    assert all(parameter.grad is None for parameter in pipeline.model.parameters())
    assert not any(part.training for part in pipeline.model.modules())


def test_says_what_cannot_be_drawn():
    pipeline = captioner(appearance_channels=5, object_channels=3)
    with pytest.raises(OptionError, match="The branch 'object' reads no frames, .*; choose --branch scene"):
        caption_saliency(pipeline, features(torch.rand(3, 5).double()), branch="object")
    with pytest.raises(ShapeError, match=r"'frames' must be \[T=3, H, W, 3\], got \[2, 24, 32, 3\]"):
        caption_saliency(
            captioner(**SCENE), features(torch.rand(3, 5).double()), FRAMES[:2], backbone=Backbone()
        )
    with pytest.raises(OptionError, match="at least one model"):
        draw_saliency({}, FRAMES)


def test_rows_of_the_figure_are_models_and_methods(tmp_path):
    pipeline = captioner(**SCENE)
    found = caption_saliency(pipeline, features(torch.rand(3, 5).double()))
    figure = draw_saliency({"a": found, "$b": found}, FRAMES, tmp_path / "s.svg", references=["x_1 $5"])
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == [
        "frames",
        "a\ninput gradient",
        "a\nGrad-CAM",
        r"\$b" "\ninput gradient",
        r"\$b" "\nGrad-CAM",
    ]
    assert "reference: x_1 $5" in (tmp_path / "s.svg").read_text()


def test_grad_cam_of_one_map():
    maps = torch.tensor([[[[1.0, -2.0]]]])
    assert torch.equal(grad_cam(maps, torch.tensor([[[[2.0, 0.0]]]])), torch.tensor([[[1.0, 0.0]]]))


def test_frame_networks_give_the_vectors_that_extraction_stores():
    from stgraph.extraction.extractors.appearance import GoogLeNetPool5, ResNet18
    from stgraph.inspection import FrameBackbone

    frame = torch.randint(
        0, 255, (1, 64, 80, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    for extractor in (ResNet18("random"), GoogLeNetPool5("random")):
        assert isinstance(extractor, FrameBackbone)
        item = extractor.preprocess(frame)
        maps, vectors = extractor.maps_and_vectors([item.float()])
        stored = extractor.extract([item])[0]["appearance"]
        torch.testing.assert_close(vectors[0], stored, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(maps.mean((2, 3)), vectors, rtol=1e-4, atol=1e-5)
        x1, y1, x2, y2 = extractor.area(64, 80)
        assert (x2 - x1, y2 - y1) == (56, 56)
        # The picture of that area alone is what the network sees.
        assert (x1 + x2, y1 + y2) == pytest.approx((80, 64), abs=0.5)
