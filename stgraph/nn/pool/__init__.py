"""From nodes to frames."""

from stgraph.nn.pool.frame_mean_pool import FrameMeanPool

__all__ = ["FrameMeanPool"]
