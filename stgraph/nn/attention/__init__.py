"""Attention layers."""

from stgraph.nn.attention.multi_head_attention import MultiHeadAttention

__all__ = ["MultiHeadAttention"]
