"""Saliency: which places of a video's frames the words of a caption depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.datasets.interactions.pixels import frame_cells
from stgraph.errors import OptionError, ShapeError
from stgraph.features.streams import GRID, grid_names
from stgraph.features.video_features import VideoFeatures
from stgraph.inspection.frames import shown_frames
from stgraph.inspection.grounding.caption_words import CaptionWords
from stgraph.inspection.regions import Area
from stgraph.pipeline import CaptionPipeline
from stgraph.typing import FloatTensor

__all__ = ["FrameBackbone", "Saliency", "caption_saliency", "grad_cam"]

GENERATED_FRAMES = "stgraph.interactions.frames"


@runtime_checkable
class FrameBackbone(Protocol):
    """A frame extractor whose pixels, convolutional maps and vectors can be differentiated."""

    def preprocess(self, frames: Tensor) -> Tensor:
        """The part of a frame that the network sees, ``[3, h, w]`` uint8."""

    def maps_and_vectors(self, items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Last convolutional maps ``[B, K, h, w]`` and vectors ``[B, D]`` of preprocessed items with values in 0..255."""

    def area(self, height: int, width: int) -> Area:
        """Corners of the part of a frame that the network sees, in pixels."""


@checked
@dataclass(frozen=True, eq=False)
class Saliency:
    """How a caption depends on the places of the frames.

    Args:
        caption: The caption that the model generates.
        log_prob: Its log-probability, end token included.
        source: What the maps are of: "pixels" and last convolution of the frame network, "cells" of a grid or of the
            descriptors of generated videos, or whole "frames".
        gradient: Norm of the gradient of the log-probability by the inputs of each place.
        grad_cam: Grad-CAM of the last maps before the pool.
        area: Part of the frame that the maps cover; None is all of it.

    Shapes: gradient ``[T, h, w]``, grad_cam ``[T, h', w']``, neither negative.
    """

    caption: str
    log_prob: float
    source: str
    gradient: Tensor
    grad_cam: Tensor
    area: Area | None = None


@checked
def caption_saliency(
    captioner: CaptionPipeline,
    video: VideoFeatures,
    frames: np.ndarray | Tensor | None = None,
    *,
    branch: str | None = None,
    backbone: FrameBackbone | None = None,
) -> Saliency:
    r"""Differentiates the log-probability of a model's greedy caption by what the model sees of the frames.

    The gradient is :math:`g = \partial \sum_l \log p(y_l | y_{<l}) / \partial`: pixels of the frames with a ``backbone``
    and a branch that reads "appearance"; cells of the grid where the branch reads one; the cells of the descriptors for
    generated videos; else the frame features, one value per frame.

    Args:
        captioner: The model.
        video: Features of the video, from the model's extractors.
        frames: The frames that the model sees, in their order; needed with ``backbone``.
        branch: Branch that captions; None is the one that is evaluated.
        backbone: The frame extractor that made ``video.appearance``; None differentiates by the features.

    Returns:
        The maps of each frame.

    Shapes: frames ``[T, H, W, 3]`` uint8 RGB.

    Raises:
        OptionError: If the branch reads neither frame features nor a grid.
        ShapeError: If ``frames`` have other axes.

    Reference: Simonyan et al., 2014 (gradient); Selvaraju et al., ICCV 2017 (Grad-CAM); Pan et al., CVPR 2020, Fig. 3.
    """
    branch = captioner.default_branch if branch is None else branch
    model = captioner.model
    streams = model.streams(branch)
    grids = grid_names(streams)
    if not grids and ("appearance" not in streams or video.appearance is None):
        others = [each for each in model.branches if "appearance" in model.streams(each)]
        advice = f"choose --branch {others[0]}" if others else "train a model that reads 'appearance'"
        raise OptionError(f"The branch '{branch}' reads no frames, whose saliency could be drawn; {advice}.")
    words = CaptionWords.of(captioner, video, branch=branch)
    text = words.text
    if grids:
        name = f"{GRID}{grids[0]}"
        value, gradient, score = _differentiate(words, name)
        cells, slope = _square(value, name), _square(gradient, name)
        return Saliency(text, score, "cells", slope.norm(dim=1), grad_cam(cells, slope))
    if backbone is not None:
        return _through_backbone(words, backbone, frames)
    value, gradient, score = _differentiate(words, "appearance")
    record = captioner.config.extractors.get("appearance")
    if record is not None and record.name == GENERATED_FRAMES:
        cells, slope = frame_cells(value), frame_cells(gradient)
        return Saliency(text, score, "cells", slope.norm(dim=1), grad_cam(cells, slope))
    cells, slope = value[:, :, None, None], gradient[:, :, None, None]
    return Saliency(text, score, "frames", slope.norm(dim=1), grad_cam(cells, slope))


@checked
@axes(maps="T K h w", gradient="T K h w")
def grad_cam(maps: FloatTensor, gradient: FloatTensor) -> Tensor:
    r"""Grad-CAM of each frame: :math:`\max(0, \sum_k \bar{g}_k A_k)`, with the gradient averaged over places.

    Shapes: maps, gradient ``[T, K, h, w]`` -> ``[T, h, w]``.

    >>> maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 0.0]]]])
    >>> grad_cam(maps, torch.tensor([[[[1.0, 3.0]], [[-1.0, 0.0]]]]))
    tensor([[[0.5000, 4.0000]]])
    """
    return (gradient.mean((2, 3), keepdim=True) * maps).sum(1).clamp(min=0)


def _differentiate(words: CaptionWords, name: str) -> tuple[Tensor, Tensor, float]:
    """A stream of the graph, the gradient of the caption's log-probability by it, and the log-probability."""
    value = words.graph[name].detach().clone().requires_grad_()
    with torch.enable_grad():
        score = words.log_probs(words.with_streams({name: value[None]})).sum()
        (gradient,) = torch.autograd.grad(score, value)
    return value.detach().cpu(), gradient.cpu(), float(score.detach())


def _through_backbone(
    words: CaptionWords, backbone: FrameBackbone, frames: np.ndarray | Tensor | None
) -> Saliency:
    number = int(words.graph.num_frames)
    if frames is None:
        raise ShapeError(f"'frames' must be [T={number}, H, W, 3], got None.")
    pictures = torch.from_numpy(shown_frames(frames, number))
    stored = words.graph.appearance
    items = [
        backbone.preprocess(frame[None]).to(stored.device).float().requires_grad_() for frame in pictures
    ]
    with torch.enable_grad():
        maps, vectors = backbone.maps_and_vectors(items)
        score = words.log_probs(words.with_streams({"appearance": vectors.to(stored.dtype)[None]})).sum()
        slope, *pixels = torch.autograd.grad(score, [maps, *items])
    gradient = 255 * torch.stack(pixels).norm(dim=1)  # by pixel values in 0..1
    area = backbone.area(*pictures.shape[1:3])
    found = grad_cam(maps.detach(), slope)
    return Saliency(words.text, float(score.detach()), "pixels", gradient.cpu(), found.cpu(), area)


def _square(cells: Tensor, name: str) -> Tensor:
    """The cells of a square grid as maps, ``[T, S, D]`` -> ``[T, D, h, w]``."""
    side = round(cells.size(1) ** 0.5)
    if side * side != cells.size(1):
        raise OptionError(
            f"'{name}' has {cells.size(1)} cells per frame, which form no square, so their places are unknown; use a square "
            "grid."
        )
    return cells.transpose(1, 2).unflatten(2, (side, side))
