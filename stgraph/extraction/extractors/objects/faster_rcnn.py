"""torchvision's Faster R-CNN for the classes of COCO."""

from __future__ import annotations

from functools import partial

from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights, fasterrcnn_resnet50_fpn_v2

from stgraph.checking import checked
from stgraph.extraction.extractors.objects.box_postprocessing import MAX_BOXES, SCORE_THRESHOLD
from stgraph.extraction.extractors.objects.two_stage import TwoStageDetector

__all__ = ["FasterRCNN"]


@checked
class FasterRCNN(TwoStageDetector):
    """Detects COCO's classes with torchvision's Faster R-CNN on ResNet-50 with a feature pyramid (V2 weights).

    ``label_names`` are torchvision's 91: "__background__", 80 classes, and "N/A" for numbers that COCO doesn't use.

    Args:
        weights: See :func:`~stgraph.extraction.extractors.load_network`.
        features: "roi", RoI features of the backbone's last stage before the pyramid (2048 values), or "fc", the last
            layer of the box head (1024 values).
        max_boxes: Largest number of boxes per frame, highest scores first.
        score_threshold: Boxes of this score or lower are dropped.
        min_size: Short side in pixels of the resized frame that the network sees.

    Shapes: a frame -> :class:`~stgraph.extraction.extractors.protocol.FrameObjects` with features
        ``[n, 2048]`` or ``[n, 1024]``.

    Raises:
        OptionError: If an argument is out of range or not one of the allowed values.
        MissingDataError: If the file of the weights doesn't exist or the download fails.
        DataError: If the weights don't fit the network.

    Reference: Ren et al., NeurIPS 2015; training recipe of Li et al., arXiv 2111.11429.
    """

    label_names = tuple(FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT.meta["categories"])

    def __init__(
        self,
        weights: str = "default",
        features: str = "roi",
        max_boxes: int = MAX_BOXES,
        score_threshold: float = SCORE_THRESHOLD,
        min_size: int = 800,
    ) -> None:
        super().__init__(
            partial(fasterrcnn_resnet50_fpn_v2, weights=None, weights_backbone=None),
            weights,
            published=FasterRCNN_ResNet50_FPN_V2_Weights,
            features=features,
            max_boxes=max_boxes,
            score_threshold=score_threshold,
            min_size=min_size,
        )
