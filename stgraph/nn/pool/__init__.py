"""From nodes to frames."""

from stgraph.nn.pool.frame_attention_pool import FrameAttentionPool
from stgraph.nn.pool.frame_mean_pool import FrameMeanPool

__all__ = ["FrameAttentionPool", "FrameMeanPool"]
