"""An extractor that needs no weights."""

import torch

from stgraph.extraction.extractors.protocol import Extractor


class MeanColours(Extractor):
    """Mean colour of a few parts of each frame."""

    streams = ("appearance",)
    weights = "none"

    def preprocess(self, frames):
        return frames[0].float()

    def extract(self, items):
        return [
            {"appearance": torch.nn.functional.adaptive_avg_pool2d(item.permute(2, 0, 1), 4).flatten()}
            for item in items
        ]
