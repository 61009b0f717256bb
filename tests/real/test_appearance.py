"""Frame extractors at their published sizes on a real clip."""

import pytest
import torch

from stgraph.extraction.extractors.registry import make_extractor
from stgraph.video import VideoReader


@pytest.mark.parametrize(
    ("name", "settings", "width", "grid"),
    [("resnet101", {"grid": True}, 2048, "grid/resnet101"), ("googlenet", {}, 1024, None)],
)
def test_frames_of_a_clip(real_data, name, settings, width, grid):
    with VideoReader(real_data / "clips" / "video1781.mp4") as reader:
        pictures = torch.as_tensor(reader.read([0, 5, 10]))
    extractor = make_extractor(name, {"weights": "random", **settings})
    items = [extractor.preprocess(picture[None]) for picture in pictures]
    together = extractor.extract(items)
    vectors = torch.stack([said["appearance"] for said in together])
    assert vectors.shape == (3, width)
    assert torch.isfinite(vectors).all()
    assert (vectors[0] - vectors[2]).abs().max() > 1e-3 * vectors.abs().max()  # other frames, other vectors
    for item, said in zip(items, together, strict=True):
        (alone,) = extractor.extract([item])
        assert alone.keys() == said.keys() == {"appearance", grid} - {None}
        for stream in alone:
            close = 1e-4 * float(alone[stream].abs().max())
            torch.testing.assert_close(said[stream], alone[stream], rtol=1e-4, atol=close)
        if grid:
            assert said[grid].shape == (49, width)
            torch.testing.assert_close(said[grid].mean(0), said["appearance"])
