"""Attention layers."""

from stgraph.nn.attention.additive_attention import AdditiveAttention
from stgraph.nn.attention.attention_output import AttentionOutput
from stgraph.nn.attention.branch_combination import BranchCombination
from stgraph.nn.attention.doubly_stochastic import doubly_stochastic_penalty
from stgraph.nn.attention.multi_head_attention import MultiHeadAttention
from stgraph.nn.attention.ranked_attention import RankedAttention, ranking_loss, ranking_terms
from stgraph.nn.attention.region_attention import RegionAttention
from stgraph.nn.attention.spatio_temporal_attention import (
    AllRegionsAttention,
    MeanThenTemporalAttention,
    SpatioTemporalAttention,
    SpatioTemporalMemory,
)
from stgraph.nn.attention.stat_attention import RegionMemory, STATAttention, STATAttentionMemory, StreamMemory
from stgraph.nn.attention.stats_attention import STaTSAttention, STaTSAttentionMemory
from stgraph.nn.attention.temporal_pools import LSTMPool, MeanPool, RankedPool, WithMean
from stgraph.nn.attention.temporo_spatial_attention import TemporoSpatialAttention, TemporoSpatialMemory
from stgraph.nn.attention.time_averaged_attention import TimeAveragedAttention

__all__ = [
    "AdditiveAttention",
    "AllRegionsAttention",
    "AttentionOutput",
    "BranchCombination",
    "LSTMPool",
    "MeanPool",
    "MeanThenTemporalAttention",
    "MultiHeadAttention",
    "RankedAttention",
    "RankedPool",
    "RegionAttention",
    "RegionMemory",
    "STATAttention",
    "STATAttentionMemory",
    "STaTSAttention",
    "STaTSAttentionMemory",
    "SpatioTemporalAttention",
    "SpatioTemporalMemory",
    "StreamMemory",
    "TemporoSpatialAttention",
    "TemporoSpatialMemory",
    "TimeAveragedAttention",
    "WithMean",
    "doubly_stochastic_penalty",
    "ranking_loss",
    "ranking_terms",
]
