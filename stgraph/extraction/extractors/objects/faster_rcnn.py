"""torchvision's Faster R-CNN for COCO's things."""

from __future__ import annotations

from functools import partial

from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights, fasterrcnn_resnet50_fpn_v2

from stgraph.extraction.extractors.objects.box_postprocessing import MAX_BOXES, SCORE_THRESHOLD
from stgraph.extraction.extractors.objects.two_stage import TwoStageDetector

__all__ = ["FasterRCNN"]


class FasterRCNN(TwoStageDetector):
    """Boxes of COCO's classes by a Faster R-CNN on ResNet-50 with a feature pyramid, second recipe of torchvision.

    ``label_names`` are torchvision's 91: "__background__", 80 classes, and "N/A" where COCO gives a number to no class.

    Args:
        weights: As in :func:`~stgraph.extraction.extractors.weights.load_network`.
        features: "roi", 2048 values: RoI features of the backbone's last stage, before the pyramid; or "fc", 1024.
        max_boxes: Boxes a frame, best first.
        score_threshold: Boxes of this score or lower are dropped.
        min_size: Short side in pixels of the picture that the network sees.

    Shapes: a frame -> :class:`~stgraph.extraction.extractors.protocol.FrameObjects` with features
        ``[n, 2048]`` or ``[n, 1024]``.
    Raises: OptionError: A value that is not one of those allowed.
    Reference: Ren et al., NeurIPS 2015; the recipe: Li et al., arXiv 2111.11429.
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
