"""Small language models and memories for tests; padded places hold values far from zero."""

import torch

from stgraph.nn import (
    BranchCombination,
    RankedPool,
    RegionAttention,
    SpatioTemporalAttention,
    STATAttention,
    STATDecoder,
    STaTSAttention,
    STaTSDecoder,
    TemporoSpatialAttention,
    VideoMemory,
    WithMean,
)
from tests.nn.attention.videos import ragged, sharpen

NUM_WORDS, CHANNELS = 11, 5


def stat(streams=("global", "motion", "local"), dropout=0.0):
    """STAT with pairwise different widths."""
    torch.manual_seed(0)
    attention = STATAttention(CHANNELS, 7, 4, streams=streams)
    decoder = STATDecoder(NUM_WORDS, attention, CHANNELS, word_channels=6, hidden_channels=7, dropout=dropout)
    return sharpen(decoder, 2.0).eval()


def stats(category_channels=0, dropout=0.0):
    """STaTS with pairwise different widths, mean and ranked attention."""
    torch.manual_seed(0)
    query = 7 + 6
    pool = WithMean(CHANNELS, RankedPool(CHANNELS))
    attention = STaTSAttention(
        SpatioTemporalAttention(RegionAttention(CHANNELS, query, 4), pool),
        TemporoSpatialAttention(CHANNELS, query, 4),
        BranchCombination(CHANNELS, query, 4),
    )
    sizes = {"word_channels": 6, "hidden_channels": 7, "category_channels": category_channels}
    return sharpen(STaTSDecoder(NUM_WORDS, attention, CHANNELS, **sizes, dropout=dropout), 2.0).eval()


def memory(counts=None, category=False):
    """Videos as lists of frames of regions, and their memory with all streams."""
    videos, regions, region_mask = ragged() if counts is None else ragged(counts)
    longest = regions.size(1)
    mask = torch.arange(longest) < torch.tensor([[len(video)] for video in videos])
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    frames, motion = (
        draw(len(videos), longest, CHANNELS).masked_fill(~mask[..., None], 100.0) for _ in range(2)
    )
    regions = regions.masked_fill(~region_mask[..., None], 100.0)
    kind = draw(len(videos), 3) if category else None
    return videos, VideoMemory(mask, frames, motion, regions, region_mask, kind)


def alone(found, video):
    """One video of a memory, without padding."""
    length = int(found.mask[video].sum())
    inside = found.region_mask[video, :length]
    size = max(int(inside.sum(-1).max()), 1)
    row = slice(video, video + 1)
    return VideoMemory(
        found.mask[row, :length],
        found.frames[row, :length],
        found.motion[row, :length],
        found.regions[row, :length, :size],
        found.region_mask[row, :length, :size],
        None if found.category is None else found.category[row],
    )
