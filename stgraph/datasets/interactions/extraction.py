"""Computes the features of a generated video from its pixels, without access to the scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from stgraph.checking import checked
from stgraph.datasets.interactions.pixels import (
    BlobDetector,
    box_appearance,
    box_geometry,
    box_motion,
    box_patches,
    clip_motion,
    colour_map,
    frame_appearance,
)
from stgraph.features.video_features import VideoFeatures

__all__ = ["SAMPLED_FRAMES", "extract_video_features"]

SAMPLED_FRAMES = 10


@checked
def extract_video_features(name: str, frames: NDArray[np.uint8], fps: float) -> VideoFeatures:
    """Computes the features of a video from its pixels.

    The sampled frames are floor((t + 0.5) F / T) with T = 10. Features of a box are its appearance, its motion over the
    surrounding frames, and its geometry.

    Args:
        name: Id of the video.
        frames: All of its frames.
        fps: Frames per second.

    Shapes: frames uint8 ``[F, H, W, 3]`` -> appearance ``[T, 172]``, motion ``[C, 48]``, object features
        ``[N, 120]``.
    """
    colours = colour_map(frames)
    count = min(SAMPLED_FRAMES, len(frames))
    index = np.floor((np.arange(count) + 0.5) * len(frames) / count).astype(np.int64)
    sampled = colours.select(index)
    found = BlobDetector().detect(sampled)
    patches = box_patches(sampled, found)
    parts = [box_appearance(patches, found), box_motion(colours, patches, found, index), box_geometry(found)]
    time = torch.from_numpy(index / fps).float()
    motion, clip_start = clip_motion(colours)
    return VideoFeatures(
        id=name,
        size=colours.size,
        frame_index=torch.from_numpy(index),
        frame_time=time,
        fps=fps,
        file_frames=len(frames),
        appearance=torch.from_numpy(frame_appearance(sampled)),
        motion=torch.from_numpy(motion),
        clip_start=torch.from_numpy(clip_start),
        detections=replace(
            found,
            features=torch.from_numpy(np.concatenate(parts, axis=1)),
            frame_index=torch.from_numpy(index),
            time=time,
        ),
    )
