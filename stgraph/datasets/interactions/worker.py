"""One of several processes that draw and describe videos: ``python -m stgraph.datasets.interactions.worker SEED FIRST STEP END``.

It writes one pickle a video to its standard output, in order, for the process that started it and nobody else.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable, Iterator

from stgraph.datasets.interactions.extraction import describe_video
from stgraph.datasets.interactions.rendering import render_video
from stgraph.datasets.interactions.scene import FPS, video_id
from stgraph.features.video_features import VideoFeatures

__all__ = ["describe_videos"]


def describe_videos(seed: int, indices: Iterable[int]) -> Iterator[VideoFeatures]:
    """Draws and describes videos, one after the other, in this process."""
    for index in indices:
        name = video_id(seed, index)
        yield describe_video(name, render_video(name), FPS)


def _main(seed: int, first: int, step: int, end: int) -> None:
    for features in describe_videos(seed, range(first, end, step)):
        pickle.dump(features, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:]))
