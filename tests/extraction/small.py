"""Fast extractors, which tests refer to by their dotted names."""

import torch

from stgraph.extraction.extractors.protocol import Extractor, FrameObjects


class MeanColour(Extractor):
    """Appearance: the mean colour of a frame; another ``scale`` counts as other weights."""

    streams = ("appearance",)

    def __init__(self, scale=1.0, weights="none"):
        self.scale, self.weights = scale, f"{weights} {scale}"

    def preprocess(self, frames):
        return frames[0].float().mean((0, 1))

    def extract(self, items):
        return [{"appearance": item * self.scale} for item in items]


class Change(Extractor):
    """Motion and a grid: first and last frame of a clip of 16."""

    streams = ("motion", "grid/ends")
    frames_per_item = 16
    weights = "none"

    def preprocess(self, frames):
        assert frames.shape[0] == 16
        return frames.float().mean((1, 2))

    def extract(self, items):
        return [{"motion": item.mean(0), "grid/ends": item[[0, -1]]} for item in items]


class Corners(Extractor):
    """Objects: one box per frame that grows with its redness; none in dark frames."""

    streams, weights, label_names = ("object",), "none", ("corner",)

    def extract(self, items):
        return [{"object": self._objects(item[0])} for item in items]

    def _objects(self, picture):
        red = picture[..., 0].float().mean()
        if red < 20:
            return FrameObjects(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, 2))
        box = torch.tensor([[0.0, 0.0, 1 + float(red) / 20, 5.0]])
        return FrameObjects(box, torch.tensor([0.9]), red.expand(1, 2) / 255, torch.tensor([0]))


class Moody(MeanColour):
    """Fails for frames that are entirely white."""

    def extract(self, items):
        if any(bool((item > 250).all()) for item in items):
            raise RuntimeError("white is\ntoo bright")
        return super().extract(items)


def boxes(frames):
    """A detector that is a plain function: the left half of each frame."""
    return [([[0, 0, frame.shape[1] / 2, frame.shape[0]]], [0.5]) for frame in frames]


class Halves:
    """A detector whose boxes have features of their own; ``part`` selects the half."""

    label_names = ("left", "right")

    def __init__(self, part=0):
        self.part = part
        self.weights = f"part {part}"

    def __call__(self, frames):
        return [self.half(frame) for frame in frames]

    def half(self, frame):
        height, width = frame.shape[:2]
        box = [self.part * width / 2, 0, (self.part + 1) * width / 2, height]
        return {"boxes": [box], "scores": [0.75], "labels": [self.part], "features": [frame[0, 0] / 255.0]}
