"""Faster R-CNN for the 1,600 classes of Visual Genome."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError
from stgraph.extraction.extractors.objects.box_postprocessing import MAX_BOXES, SCORE_THRESHOLD
from stgraph.extraction.extractors.objects.two_stage import TwoStageDetector
from stgraph.parsing import lines_of, read_text

__all__ = ["VisualGenomeFasterRCNN"]

CLASSES = 1600


@checked
class VisualGenomeFasterRCNN(TwoStageDetector):
    """Detects Visual Genome's 1,600 classes with a Faster R-CNN on ResNeXt-101 (32 x 8d) with a feature pyramid.

    Labels are 1..1600; 0 is the background.

    Args:
        weights: A file with the keys of torchvision's ``FasterRCNN`` on ``resnet_fpn_backbone("resnext101_32x8d")``, or
            "random"; no maintained library publishes any.
        features: "roi", RoI features of the backbone's last stage before the pyramid (2048 values), or "fc", the last
            layer of the box head (1024 values).
        max_boxes: Largest number of boxes per frame, highest scores first.
        score_threshold: Boxes of this score or lower are dropped.
        min_size: Short side in pixels of the resized frame that the network sees.
        names: A text file with one class name per line, starting with class 1; None leaves the labels unnamed.

    Shapes: a frame -> :class:`~stgraph.extraction.extractors.protocol.FrameObjects` with features
        ``[n, 2048]`` or ``[n, 1024]``.

    Raises:
        OptionError: If an argument is out of range or not one of the allowed values.
        MissingDataError: If the file of names or of weights doesn't exist.
        DataError: If the file of names doesn't have 1,600 lines, or the weights don't fit the network.

    Reference: Ren et al., NeurIPS 2015; Anderson et al., CVPR 2018 (classes); Pan et al., CVPR 2020 (network).
    """

    def __init__(
        self,
        weights: str = "default",
        features: str = "roi",
        max_boxes: int = MAX_BOXES,
        score_threshold: float = SCORE_THRESHOLD,
        min_size: int = 800,
        names: str | None = None,
    ) -> None:
        self.label_names = () if names is None else ("__background__", *_read_names(Path(names)))
        super().__init__(
            _build,
            weights,
            rename=_without_counts,
            features=features,
            max_boxes=max_boxes,
            score_threshold=score_threshold,
            min_size=min_size,
        )


def _build(**settings: Any) -> nn.Module:
    backbone = resnet_fpn_backbone(backbone_name="resnext101_32x8d", weights=None)
    return FasterRCNN(backbone, num_classes=CLASSES + 1, **settings)


def _without_counts(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drops the counters of trainable batch normalisation, which the frozen layers of the network don't have."""
    return {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}


def _read_names(file: Path) -> list[str]:
    if not os.path.lexists(file):
        raise MissingDataError(
            f"'names' must be a text file with {CLASSES} lines, got '{file}', which doesn't exist."
        )
    names = lines_of(read_text(file).removesuffix("\n"))
    if len(names) != CLASSES:
        raise DataError(f"{file} must have {CLASSES} lines, one class name per line, got {len(names)}.")
    return names
