"""What torchvision's Faster R-CNNs have in common as extractors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from stgraph.errors import OptionError
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

TOGETHER = 4  # pictures of 800 x 1333 that the network takes at once; their maps are large


class TwoStageDetector(NetworkExtractor):
    """A Faster R-CNN of torchvision with a feature pyramid: its boxes, and a vector for each.

    It goes through the network's own parts, so that boxes are pooled in the picture they were found in, resized to a
    short side of ``min_size``, and are then mapped to the frame's pixels. Pictures of one size only go together:
    torchvision pads others to a common size, which changes what is seen at their borders.

    Args:
        build: Makes the network, given torchvision's keywords of a Faster R-CNN.
        weights, published, rename: As in :func:`~stgraph.extraction.extractors.weights.load_network`.
        features: "roi", RoI features of the backbone's last stage (see
            :func:`~stgraph.extraction.extractors.objects.roi_features.roi_features`); or "fc", the box head's last layer.
        max_boxes, score_threshold: At most so many boxes a frame, best first, of higher scores than this.
        min_size: Short side in pixels of the picture that the network sees; the long one is at most 1333.

    Raises: OptionError: A value that is not one of those allowed.
    Reference: Ren et al., NeurIPS 2015; Lin et al., CVPR 2017.
    """

    streams = ("object",)
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}
    network: Any  # torchvision types its parts as plain modules

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
        make = lambda: build(
            min_size=min_size, box_score_thresh=score_threshold, box_detections_per_img=max_boxes
        )
        super().__init__(*load_network(make, weights, published, rename))
        self.features, self.max_boxes, self.score_threshold = features, max_boxes, score_threshold
        self.width = (
            self.network.backbone.body["layer4"][-1].conv3.out_channels
            if features == "roi"
            else self.network.roi_heads.box_predictor.cls_score.in_features
        )
        _settle_scales(self.network.roi_heads.box_roi_pool)

    def preprocess(self, pictures: Tensor) -> Tensor:
        """The frame as it is."""
        return pictures[0]

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """The objects of each frame."""
        found = [empty(self.width)] * len(items)
        for group in groups([item.shape for item in items], TOGETHER):
            if self._can_see(items[group[0]]):
                for position, objects in zip(group, self._detect([items[i] for i in group]), strict=True):
                    found[position] = objects
        return [{"object": objects} for objects in found]

    def _can_see(self, frame: Tensor) -> bool:
        """False for a picture so flat that its short side vanishes when the long one is brought to its limit."""
        transform, (short, long) = self.network.transform, sorted(frame.shape[:2])
        return short * min(transform.min_size[-1] / short, transform.max_size / long) >= 1

    def _detect(self, frames: list[Tensor]) -> list[FrameObjects]:
        network, size = self.network, (frames[0].shape[0], frames[0].shape[1])
        pictures = [frame.to(self.device).permute(2, 0, 1).float() / 255 for frame in frames]
        batch, _ = network.transform(pictures)
        with self.autocast():
            stages = network.backbone.body(batch.tensors)
            maps = network.backbone.fpn(stages)
        # Half precision ends here: it would round boxes of a picture of 1333 to whole pixels.
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


def _settle_scales(pool: Any) -> None:
    """Has the pooling of the box head work out the scale of each map from a square picture.

    It does so once, from the first picture that it gets, and goes wrong for good where that one is flat: padding makes its
    maps look larger than they are.
    """
    maps = {
        name: torch.zeros(1, 1, 64 >> level, 64 >> level) for level, name in enumerate(pool.featmap_names)
    }
    pool(maps, [torch.zeros(0, 4)], [(256, 256)])
