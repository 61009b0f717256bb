"""Extractors of clips of 16 frames: one vector per clip, and grids of cells."""

from stgraph.extraction.extractors.motion.c3d import C3D
from stgraph.extraction.extractors.motion.i3d import I3D
from stgraph.extraction.extractors.motion.i3d_flow import I3DFlow
from stgraph.extraction.extractors.motion.s3d import S3D

__all__ = ["C3D", "I3D", "S3D", "I3DFlow"]
