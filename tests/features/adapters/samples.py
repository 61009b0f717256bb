"""A video with distinct values everywhere, and the comparison of what an adapter returns with it."""

import torch

from stgraph.features import Detections

SIZE = (120, 160)
SAMPLED = [0, 7, 14, 21]


def random_detections(seed=0, num_boxes=60, width=6, **changes):
    """Random boxes, known and unknown labels and tracks, and no boxes in the second frame."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(num_boxes, 2, generator=generator) * torch.tensor([150.0, 110.0])
    extent = torch.rand(num_boxes, 2, generator=generator) * 30 + 0.01
    values = {
        "boxes": torch.cat([corner, corner + extent], 1),
        "scores": torch.rand(num_boxes, generator=generator),
        "features": torch.randn(num_boxes, width, generator=generator),
        "labels": torch.randint(-1, 9, (num_boxes,), generator=generator),
        "track": torch.randint(-1, 5, (num_boxes,), generator=generator),
        "frame_numbers": torch.tensor([0, 14, 21])[torch.randint(0, 3, (num_boxes,), generator=generator)],
        "sampled": SAMPLED,
        "size": SIZE,
        "fps": 25.0,
    }
    return Detections.from_raw(**{**values, **changes})


def assert_same(got, expected, but=()):
    """Checks that all fields are equal bit by bit, except those in ``but``."""
    got, expected = got.to_dict(), expected.to_dict()
    for name in expected.keys() - set(but):
        if isinstance(expected[name], torch.Tensor):
            assert torch.equal(got[name], expected[name]), name
        else:
            assert got[name] == expected[name], name
