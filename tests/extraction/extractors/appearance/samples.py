"""Frames for the tests of appearance extractors."""

import torch


def picture(height=100, width=140, seed=0):
    """A frame as a reader passes it to ``preprocess``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (1, height, width, 3), dtype=torch.uint8, generator=generator)


def input_of(part, network, item):
    """The input that a submodule receives for one item."""
    seen = []
    handle = part.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network(item[None])
    handle.remove()
    return seen[0].flatten()


def assert_batch_equals_one_by_one(extractor, items):
    together = extractor.extract(items)
    assert len(together) == len(items) > 1
    for item, said in zip(items, together, strict=True):
        assert tuple(said) == extractor.streams
        for stream, value in extractor.extract([item])[0].items():
            torch.testing.assert_close(said[stream], value, rtol=1e-4, atol=1e-5)
    first, second = (said["appearance"] for said in together[:2])
    assert (first - second).abs().max() > 1e-3  # otherwise equality would prove nothing
