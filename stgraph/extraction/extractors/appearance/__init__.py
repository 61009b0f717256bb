"""Extractors of frames: one vector per frame, and grids of cells."""

from stgraph.extraction.extractors.appearance.googlenet import GoogLeNetPool5
from stgraph.extraction.extractors.appearance.resnet import ResNet18, ResNet50, ResNet101, ResNet152
from stgraph.extraction.extractors.appearance.vision_tower import VisionTower

__all__ = ["GoogLeNetPool5", "ResNet18", "ResNet50", "ResNet101", "ResNet152", "VisionTower"]
