"""Base class of extractors that run one of torchvision's Faster R-CNNs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.extraction.extractors.image_transforms import check_frames
from stgraph.extraction.extractors.objects.box_postprocessing import (
    check_limits,
    empty,
    groups,
    postprocess_boxes,
)
from stgraph.extraction.extractors.objects.roi_features import roi_features
from stgraph.extraction.extractors.protocol import FrameObjects, ItemFeatures, NetworkExtractor
from stgraph.extraction.extractors.weights import Rename, load_network

__all__ = ["TwoStageDetector"]

BATCH_SIZE = 4  # images of up to 800 x 1333 per call of the network; their feature maps are large
LARGEST_WAITING = 4 * 3 * 800 * 1333
"""Bytes of a resized frame; smaller ones wait as they are."""


class SizedImage(NamedTuple):
    """A frame, or the normalized and resized frame, and its size before that.

    Shapes: image ``[H, W, 3]`` uint8 or ``[3, h, w]`` float32.
    """

    image: Tensor
    size: tuple[int, int]


@checked
class TwoStageDetector(NetworkExtractor):
    """Extracts boxes with torchvision's Faster R-CNN with a feature pyramid, and a feature vector for each.

    The parts of the network are called one by one, so that boxes are pooled in the resized frame in which they were found
    before they are mapped to pixels of the original frame. Only images of equal size share a batch: torchvision pads
    others to a common size, which changes the features at their borders.

    Args:
        build: Creates the network from torchvision's keyword arguments of a Faster R-CNN.
        weights: See :func:`~stgraph.extraction.extractors.load_network`.
        published: See :func:`~stgraph.extraction.extractors.load_network`.
        rename: See :func:`~stgraph.extraction.extractors.load_network`.
        features: "roi", RoI features of the backbone's last stage (see
            :func:`~stgraph.extraction.extractors.objects.roi_features.roi_features`), or "fc", the last layer of the box
            head.
        max_boxes: Largest number of boxes per frame, highest scores first.
        score_threshold: Boxes of this score or lower are dropped.
        min_size: Short side in pixels of the resized frame; the long side is at most 1333.

    Raises:
        OptionError: If an argument is out of range or not one of the allowed values.

    Reference: Ren et al., NeurIPS 2015; Lin et al., CVPR 2017.
    """

    streams = ("object",)
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}
    network: Any  # torchvision declares its parts as plain modules only

    def __init__(
        self,
        build: Callable[..., nn.Module],
        weights: str,
        *,
        published: Any = None,
        rename: Rename | None = None,
        features: str,
        max_boxes: int,
        score_threshold: float,
        min_size: int,
    ) -> None:
        if features not in ("roi", "fc"):
            raise OptionError(f"'features' must be 'roi' or 'fc', got {features!r}.")
        check_limits(max_boxes, score_threshold)
        if not 1 <= min_size <= 1333:
            raise OptionError(f"'min_size' must lie in 1..1333 pixels, got {min_size}.")
        configured = partial(
            build, min_size=min_size, box_score_thresh=score_threshold, box_detections_per_img=max_boxes
        )
        super().__init__(*load_network(configured, weights, published, rename))
        self.features, self.max_boxes, self.score_threshold = features, max_boxes, score_threshold
        self.width = (
            self.network.backbone.body["layer4"][-1].conv3.out_channels
            if features == "roi"
            else self.network.roi_heads.box_predictor.cls_score.in_features
        )
        _fix_pooling_scales(self.network.roi_heads.box_roi_pool)

    def preprocess(self, frames: Tensor) -> SizedImage:
        """Returns the frame; one that is larger than what the network sees is resized here, so that little waits."""
        check_frames("frames", frames, k=1)
        frame = frames[0]
        size = (frame.shape[0], frame.shape[1])
        if frame.nbytes > LARGEST_WAITING and self._can_resize(size):
            return SizedImage(self._resize(frame), size)
        return SizedImage(frame, size)

    @torch.inference_mode()
    def extract(self, items: Sequence[SizedImage]) -> list[ItemFeatures]:
        """Returns the objects of each frame."""
        found = [empty(self.width)] * len(items)
        batch_size = 1 if self.device.type == "cpu" else BATCH_SIZE  # a CPU gains no speed from batches
        for group in groups([item.size for item in items], batch_size):
            if self._can_resize(items[group[0]].size):
                for position, objects in zip(group, self._detect([items[i] for i in group]), strict=True):
                    found[position] = objects
        return [{"object": objects} for objects in found]

    def _can_resize(self, size: tuple[int, int]) -> bool:
        """False for a frame so elongated that its short side would be resized to less than a pixel."""
        transform, (short, long) = self.network.transform, sorted(size)
        return short * min(transform.min_size[-1] / short, transform.max_size / long) >= 1

    def _resize(self, frame: Tensor) -> Tensor:
        """Normalizes and resizes a frame as the network's transform does, channel by channel, which takes less memory.

        Shapes: frame ``[H, W, 3]`` uint8 -> ``[3, h, w]``.
        """
        transform = self.network.transform
        channels = []
        for channel, mean, std in zip(
            frame.unbind(2), transform.image_mean, transform.image_std, strict=True
        ):
            normalized = (
                channel[None].float().div_(255).sub_(mean).div_(std)
            )  # in place: 133 MB of an 8K frame
            resized, _ = transform.resize(normalized, None)
            channels.append(resized)
        return torch.cat(channels)

    def _detect(self, items: list[SizedImage]) -> list[FrameObjects]:
        network, size = self.network, items[0].size
        frames = [item.image.to(self.device) for item in items]
        images = [frame if frame.is_floating_point() else self._resize(frame) for frame in frames]
        resized = [(image.shape[1], image.shape[2]) for image in images]
        batch = ImageList(network.transform.batch_images(images), resized)
        with self.autocast():
            stages = network.backbone.body(batch.tensors)
            maps = network.backbone.fpn(stages)
        # Boxes need full precision: half precision rounds coordinates up to 1333 to whole pixels.
        maps = {name: level.float() for name, level in maps.items()}
        proposals, _ = network.rpn(batch, maps)
        found, _ = network.roi_heads(maps, proposals, batch.image_sizes)
        boxes = [objects["boxes"] for objects in found]
        vectors = self._vectors(list(stages.values())[-1], maps, boxes, batch.image_sizes)
        found = network.transform.postprocess(found, batch.image_sizes, [size] * len(frames))
        return [
            postprocess_boxes(_on_cpu(objects, rows), size, self.max_boxes, self.score_threshold)
            for objects, rows in zip(found, vectors, strict=True)
        ]

    def _vectors(
        self, last: Tensor, maps: dict[str, Tensor], boxes: list[Tensor], sizes: list[tuple[int, int]]
    ) -> Sequence[Tensor]:
        if self.features == "roi":
            return [roi_features(last[i : i + 1], each) for i, each in enumerate(boxes)]
        heads = self.network.roi_heads
        return heads.box_head(heads.box_roi_pool(maps, boxes, sizes)).split([len(each) for each in boxes])


def _on_cpu(objects: dict[str, Tensor], features: Tensor) -> FrameObjects:
    return FrameObjects(
        objects["boxes"].cpu(), objects["scores"].cpu(), features.cpu(), labels=objects["labels"].cpu()
    )


def _fix_pooling_scales(pool: Any) -> None:
    """Makes the box head infer the scale of each feature map from a square image.

    The pooling layer infers the scales once, from its first input, and gets them wrong for good if that image is very
    elongated, because padding makes its feature maps too large.
    """
    maps = {
        name: torch.zeros(1, 1, 64 >> level, 64 >> level) for level, name in enumerate(pool.featmap_names)
    }
    pool(maps, [torch.zeros(0, 4)], [(256, 256)])
