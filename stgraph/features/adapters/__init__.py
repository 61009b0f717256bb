"""Conversions between :class:`Detections` and the formats of other libraries and files."""

from stgraph.features.adapters.coco_results import (
    from_coco_results,
    read_coco_results,
    to_coco_results,
)
from stgraph.features.adapters.mot_text import from_mot_text, read_mot_text, to_mot_text
from stgraph.features.adapters.supervision import from_supervision, to_supervision
from stgraph.features.adapters.torchvision_dicts import from_torchvision_dicts, to_torchvision_dicts
from stgraph.features.adapters.ultralytics import from_ultralytics
from stgraph.features.adapters.yolo_text import read_yolo_text

__all__ = [
    "from_coco_results",
    "from_mot_text",
    "from_supervision",
    "from_torchvision_dicts",
    "from_ultralytics",
    "read_coco_results",
    "read_mot_text",
    "read_yolo_text",
    "to_coco_results",
    "to_mot_text",
    "to_supervision",
    "to_torchvision_dicts",
]
