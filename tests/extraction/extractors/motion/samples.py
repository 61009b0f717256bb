"""Clips, preprocessed items and weight files for the tests of motion extractors."""

import torch


def pictures(height=100, width=140, seed=0):
    """A clip as a reader passes it, with different frames."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (16, height, width, 3), dtype=torch.uint8, generator=generator)


def item(side, seed=0):
    """A preprocessed clip, smaller than real ones where the network allows it."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (3, 16, side, side), dtype=torch.uint8, generator=generator)


def save_layout(path, shapes, value=0.01):
    """Writes a weight file with these names and shapes; a few kB, as each tensor repeats one number."""
    torch.save({name: torch.tensor(value).expand(shape) for name, shape in shapes.items()}, path)
    return str(path)
