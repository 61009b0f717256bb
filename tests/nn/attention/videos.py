"""Small videos for tests: as lists for the oracles, as padded blocks for the layers."""

import torch

from stgraph.nn import pad_regions

# Number of regions per frame of each video: frames without regions at any position, and a video without regions.
COUNTS = ([3, 1, 2, 2], [2, 0, 3], [0, 0], [1, 0, 0, 2, 1])
# Every video has regions, for oracles that do not accept empty lists.
WITH_REGIONS = ([3, 1, 2, 2], [2, 0, 3], [1], [1, 0, 0, 2, 1])


def ragged(counts=COUNTS, channels=5):
    """Videos as lists of frames of regions; the same as ``regions [B, T, S, D]`` and ``mask [B, T, S]``."""
    generator = torch.Generator().manual_seed(3)
    videos = [
        [
            list(torch.randn(n, channels, generator=generator, dtype=torch.float64).unbind() if n else ())
            for n in frames
        ]
        for frames in counts
    ]
    x = [x for video in videos for frame in video for x in frame]
    frames = [frame for video in videos for frame in video]
    frame = [t for t, regions in enumerate(frames) for _ in regions]
    num_frames = torch.tensor([len(video) for video in videos])
    return videos, *pad_regions(torch.stack(x), torch.tensor(frame), num_frames)


def attention_weights(layer):
    """Weights of an additive attention, named as in the formula."""
    return {
        "u": layer.score.weight.detach()[0],
        "W": layer.key.weight.detach(),
        "V": layer.query.weight.detach(),
        "b": layer.query.bias.detach(),
    }


def sharpen(module, factor=3.0):
    """Scales the weights up, so that attention is far from uniform, and converts to double precision."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(factor)
    return module.double()


def check_all_learn(module, *outputs):
    """Asserts that the squares of the outputs give every parameter a gradient."""
    sum(output.square().sum() for output in outputs).backward()
    still = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 1e-9]
    assert not still
