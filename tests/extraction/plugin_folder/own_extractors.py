"""Extractors in a plain module next to a script, found through ``sys.path``.

The height of a video decides what they do to it, as they know nothing else about it.
"""

import os
import signal
from pathlib import Path

import torch

from stgraph.extraction.extractors.protocol import Extractor

PLAIN, READER_DIES, MODEL_DIES, PREPARE_RAISES, DESCRIBE_RAISES = 48, 50, 52, 54, 56


class Frames(Extractor):
    """A few weighted sums of each frame.

    Args:
        marks: Folder in which processes leave their ids and note who has died already.
    """

    streams = ("appearance",)
    weights = "made up"

    def __init__(self, marks):
        self.marks = Path(marks)
        self.weight = torch.randn(6 * 8 * 3, 5, generator=torch.Generator().manual_seed(0))

    def preprocess(self, frames):
        (self.marks / f"read.{os.getpid()}").touch()
        frame = frames[0]
        if len(frame) == PREPARE_RAISES:
            raise ValueError("no such\nheight")
        if len(frame) == READER_DIES:
            self._die_once("reader")
        return len(frame), frame[:48:8, :64:8].flatten()

    def extract(self, items):
        (self.marks / f"described.{os.getpid()}").touch()
        if items[0][0] == DESCRIBE_RAISES:
            raise RuntimeError("cannot see it")
        if items[0][0] == MODEL_DIES:
            self._die_once("model")
        values = torch.stack([pixels for _, pixels in items]).float() / 7
        return [{"appearance": vector} for vector in values @ self.weight]

    def _die_once(self, who):
        mark = self.marks / f"{who} died"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Clips(Extractor):
    """The mean of each clip."""

    streams = ("motion",)
    frames_per_item = 16
    weights = "none"

    def preprocess(self, frames):
        return frames[:, ::16, ::16].flatten(1)

    def extract(self, items):
        return [{"motion": clip[:, :4].float().mean(0)} for clip in items]
