"""From nodes to frames."""

from stgraph.nn.pool.frame_attention_pool import FrameAttentionPool
from stgraph.nn.pool.frame_mean_pool import FrameMeanPool
from stgraph.nn.pool.recurrent_pool import RecurrentPool

__all__ = ["FrameAttentionPool", "FrameMeanPool", "RecurrentPool"]
