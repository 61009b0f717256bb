"""Valid arguments and instances of layers and of decoding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from stgraph import nn
from stgraph.decoding import DecodedCaptions, Greedy, Sampling
from stgraph.text import SpecialTokens
from tests.decoding.models import Table, random_table
from tests.misuse import world
from tests.misuse.makers import real, rows, whole

__all__ = ["INSTANCES", "VALUES"]


def memory() -> nn.VideoMemory:
    return nn.VideoMemory(real(2, 3)(), rows(2, 3, 8)(), rows(2, 3, 8)(), rows(2, 3, 2, 8)(), real(2, 3, 2)())


def stat_attention() -> nn.STATAttention:
    return nn.STATAttention(8, 8, 8)


def stats_attention(query: int = 8) -> nn.STaTSAttention:
    spatio_temporal = nn.SpatioTemporalAttention(nn.RegionAttention(8, query, 8), nn.RankedPool(8))
    return nn.STaTSAttention(
        spatio_temporal, nn.TemporoSpatialAttention(8, query, 8), nn.BranchCombination(8, query, 8)
    )


def stat_decoder() -> nn.STATDecoder:
    torch.manual_seed(0)
    return nn.STATDecoder(20, stat_attention(), 8, word_channels=8, hidden_channels=8, dropout=0.0).eval()


def stats_decoder() -> nn.STaTSDecoder:
    torch.manual_seed(0)
    return nn.STaTSDecoder(20, stats_attention(16), 8, word_channels=8, hidden_channels=8).eval()


def transformer() -> nn.CaptionTransformer:
    torch.manual_seed(0)
    sizes = {"num_heads": 2, "num_layers": 2, "feedforward_channels": 8}
    return nn.CaptionTransformer(20, 8, **sizes, dropout=0.0).eval()


def encoded() -> nn.FrameMemory:
    return nn.FrameMemory(rows(2, 3, 8)(), real(2, 3)())


def transformer_state() -> nn.TransformerState:
    return transformer().start(encoded(), 8)


def keys_values() -> tuple[torch.Tensor, torch.Tensor]:
    return rows(2, 2, 3, 4)(), rows(2, 2, 3, 4)()


def stat_precomputed() -> Any:
    return stat_attention().precompute(_streams(), real(2, 3)(), real(2, 3, 2)())


def _streams() -> dict[str, torch.Tensor]:
    return {"global": rows(2, 3, 8)(), "motion": rows(2, 3, 8)(), "local": rows(2, 3, 2, 8)()}


def adjacency() -> nn.NormalizedAdjacency:
    return nn.NormalizedAdjacency(torch.tensor([[0, 1, 2], [2, 3, 4]]), torch.tensor([0.5, 0.2, 0.3]), 6)


def decoded() -> DecodedCaptions:
    return DecodedCaptions(
        torch.tensor([[4, 2], [5, 2]]),
        -torch.ones(2, 2),
        {"frames": torch.full((2, 2, 3), 1 / 3)},
        {"frames": real(2, 3)()},
    )


def with_regions(name: str) -> dict[str, Any]:
    made = {
        "AllRegionsAttention": nn.AllRegionsAttention,
        "MeanThenTemporalAttention": nn.MeanThenTemporalAttention,
    }
    return {
        f"{name}.mask": real(2, 3, 2),
        f"{name}.forward.mask": real(2, 3, 2),
        f"{name}.precompute.mask": real(2, 3, 2),
        **(
            {
                f"{name}.forward.memory": lambda: made[name](8, 8, 8).precompute(
                    rows(2, 3, 2, 8)(), real(2, 3, 2)()
                )
            }
            if name in made
            else {}
        ),
    }


VALUES: dict[str, Any] = {
    "AdditiveAttention.forward.keys": rows(2, 3, 8),
    "AdditiveAttention.scores.keys": rows(2, 3, 8),
    "AdditiveAttention.keys.x": rows(2, 3, 8),
    **with_regions("AllRegionsAttention"),
    **with_regions("MeanThenTemporalAttention"),
    **with_regions("RegionAttention"),
    **with_regions("TimeAveragedAttention"),
    **with_regions("SpatioTemporalAttention"),
    **with_regions("TemporoSpatialAttention"),
    **with_regions("STaTSAttention"),
    "RegionAttention.forward.keys": rows(2, 3, 2, 8),
    "TimeAveragedAttention.forward.keys": lambda: nn.TimeAveragedAttention(8, 8, 8).precompute(
        rows(2, 3, 2, 8)(), real(2, 3, 2)()
    ),
    "SpatioTemporalAttention.spatial": lambda: nn.RegionAttention(8, 8, 8),
    "SpatioTemporalAttention.forward.memory": lambda: nn.SpatioTemporalAttention(
        nn.RegionAttention(8, 8, 8), nn.MeanPool()
    ).precompute(rows(2, 3, 2, 8)(), real(2, 3, 2)()),
    "TemporoSpatialAttention.forward.memory": lambda: nn.TemporoSpatialAttention(8, 8, 8).precompute(
        rows(2, 3, 2, 8)(), real(2, 3, 2)()
    ),
    "STaTSAttention.forward.memory": lambda: stats_attention().precompute(
        rows(2, 3, 2, 8)(), real(2, 3, 2)()
    ),
    "STaTSAttention.spatio_temporal": lambda: nn.AllRegionsAttention(8, 8, 8),
    "STaTSAttention.temporo_spatial": None,
    "STATAttention.forward.memory": stat_precomputed,
    "STATAttention.precompute.streams": _streams,
    "pool": lambda: nn.MeanPool(),
    "GraphEncoder.pool": lambda: nn.FrameMeanPool(),
    "BranchCombination.forward.st": rows(2, 8),
    "BranchCombination.forward.ts": rows(2, 8),
    "AttentionOutput.vector": rows(2, 8),
    "weights": lambda: {"frames": torch.full((2, 4, 3), 1 / 3)},
    "masks": lambda: {"frames": real(2, 3)()},
    "AttentionOutput.weights": lambda: {"frames": torch.full((2, 3), 1 / 3)},
    "MultiHeadAttention.forward.query": rows(2, 4, 8),
    "MultiHeadAttention.forward.keys_values": keys_values,
    "MultiHeadAttention.forward.mask": real(2, 3),
    "MultiHeadAttention.keys_values.memory": rows(2, 3, 8),
    "MultiHeadAttention.weights.query": rows(2, 4, 8),
    "MultiHeadAttention.weights.keys": rows(2, 2, 3, 4),
    "MultiHeadAttention.weights.mask": real(2, 3),
    "NormalizedAdjacency.wrap.graph": lambda: torch.tensor([[0, 1, 2], [2, 3, 4]]),
    "ResidualGCNConv.message.x_j": rows(3, 8),
    "ResidualGCNConv.message.weight": rows(3),
    "RelativeGeometry.forward.box": lambda: torch.rand(6, 4) + torch.tensor([0.0, 0.0, 1.0, 1.0]),
    "box": None,
    "FrameAttentionPool.forward.num_frames": 5,
    "FrameAttentionPool.weights.num_frames": 5,
    "FrameMeanPool.forward.num_frames": 5,
    "GateDropoutLSTMCell.forward.x": rows(2, 8),
    "GateDropoutLSTMCell.forward.state": lambda: (rows(2, 8)(), rows(2, 8)()),
    "InputFeatures.norm": "layer",
    "masked_softmax.scores": rows(2, 3),
    "masked_mean.x": rows(2, 3, 8),
    "masked_mean.dim": 1,
    "terms": rows(2, 4, 2),
    "valid": real(2, 2),
    "ranked": rows(2, 8),
    "STaTSEncoder.object_channels": 8,
    "STaTSEncoder.forward.grids": (),
    "STaTSEncoder.forward.frames": (),
    "STATEncoder.forward.appearance": rows(5, 8),
    "STATEncoder.forward.motion": rows(5, 8),
    "SceneEncoder.forward.appearance": rows(5, 8),
    "SceneEncoder.forward.motion": rows(5, 8),
    "SinusoidalPositions.forward.x": rows(2, 3, 8),
    "StreamEmbedding.in_channels": lambda: [8, 8],
    "StreamEmbedding.forward.streams": lambda: [rows(5, 8)(), rows(5, 8)()],
    "LSTMState.hidden": rows(2, 8),
    "LSTMState.cell": rows(2, 8),
    "RegionMemory.keys": rows(2, 3, 2, 8),
    "RegionMemory.mask": real(2, 3, 2),
    "StreamMemory.values": rows(2, 3, 8),
    "StreamMemory.keys": rows(2, 3, 8),
    "STATAttentionMemory.streams": lambda: stat_precomputed().streams,
    "SpatioTemporalMemory.keys": rows(2, 3, 2, 8),
    "TemporoSpatialMemory.frame_keys": rows(2, 3, 8),
    "TemporoSpatialMemory.region_keys": rows(2, 3, 2, 8),
    "STATMemory.mean": rows(2, 8),
    "STATMemory.attention": stat_precomputed,
    "STaTSMemory.regions": rows(2, 3, 2, 8),
    "STaTSMemory.mask": real(2, 3, 2),
    "STaTSMemory.attention": lambda: stats_attention().precompute(rows(2, 3, 2, 8)(), real(2, 3, 2)()),
    "STaTSState.hidden": rows(2, 8),
    "STaTSState.cell": rows(2, 8),
    "STaTSState.keys": rows(2, 1, 8),
    "STaTSState.values": rows(2, 1, 8),
    "STATDecoder.attention": stat_attention,
    "STaTSDecoder.attention": lambda: stats_attention(16),
    "STATAttention.streams": ("global", "motion", "local"),
    "pyg_conv.name": "GATv2Conv",
    "EdgeAttributes.forward.video": whole(0, 0, 0, 0, 0, 0),
    "box_motion.video": whole(0, 0, 0, 0, 0, 0),
    "RecurrentPool.forward.index": whole(0, 0, 1, 2, 3, 4),
    "memory": memory,
    "CaptionTransformer.forward.memory": encoded,
    "CaptionTransformer.start.memory": encoded,
    "CaptionTransformer.attention_masks.state": transformer_state,
    "CaptionTransformer.step.state": transformer_state,
    "CaptionTransformer.step.tokens": whole(1, 1),
    "TransformerState.memory": lambda: transformer_state().memory,
    "TransformerState.start.memory": lambda: transformer_state().memory,
    "TransformerState.words": lambda: transformer_state().words,
    "TransformerState.add_words.width": 1,
    **{
        f"{name}.select_beams.captions": whole(0, 1)
        for name in ("DecodingState", "RecurrentState", "TransformerState")
    },
    "RecurrentPool.forward.num_groups": 5,
    "ConvBlock.conv": lambda: nn.ResidualGCNConv(8),
    "beams": lambda: torch.zeros(2, 1, dtype=torch.long),
    "width": 1,
    **{
        f"{name}.{method}.{argument}": value
        for name, make in (
            ("STATDecoder", stat_decoder),
            ("STaTSDecoder", stats_decoder),
            ("RecurrentDecoder", stat_decoder),
        )
        for method, argument, value in (
            ("advance", "state", lambda make=make: make().start(memory(), 8)),
            ("after", "state", lambda make=make: make().start(memory(), 8)),
            ("after", "hidden", lambda make=make: make().start(memory(), 8).hidden),
            ("after", "attention", dict),
            ("attention_masks", "state", lambda make=make: make().start(memory(), 8)),
            ("begin", "memory", lambda make=make: make().precompute(memory())),
            ("masks", "memory", lambda make=make: make().precompute(memory())),
            ("step", "state", lambda make=make: make().start(memory(), 8)),
            ("step", "tokens", whole(1, 1)),
            ("embed", "start", 0),
        )
    },
    "STATDecoder.readout.features": lambda: rows(2, 8)(),
    "RecurrentState.memory": lambda: stat_decoder().precompute(memory()),
    "RecurrentState.hidden": lambda: stat_decoder().start(memory(), 8).hidden,
    "RecurrentOutput.attention": dict,
    "RecurrentOutput.masks": dict,
    "VideoMemory.frames": rows(2, 3, 8),
    "VideoMemory.real_frames.name": "frames",
    "start": 0,
    # decoding
    "decoder": transformer,
    "state": transformer_state,
    "num_captions": 2,
    "special_tokens": lambda: SpecialTokens(0, 1, 2, 3),
    "DecodedCaptions.tokens": lambda: torch.tensor([[4, 2], [5, 2]]),
    "DecodedCaptions.log_probs": lambda: -torch.ones(2, 2),
    "DecodedCaptions.attention_of.row": 0,
    "DecodedCaptions.attention_of.num_frames": 3,
    "step.state": transformer_state,
    "decoding_from_dict.content": lambda: {"method": "greedy"},
    "draw_words.scores": rows(2, 20),
    "draw_words.uniform": lambda: torch.tensor([0.2, 0.7]),
    "SpecialTokens.pad": 0,
    "SpecialTokens.bos": 1,
}

INSTANCES: dict[str, Callable[[], Any]] = {
    "CaptionTransformer": transformer,
    "TransformerState": transformer_state,
    "STATDecoder": stat_decoder,
    "STaTSDecoder": stats_decoder,
    "STATAttention": stat_attention,
    "STaTSAttention": stats_attention,
    "STATAttentionMemory": stat_precomputed,
    "NormalizedAdjacency": adjacency,
    "DecodedCaptions": decoded,
    "VideoMemory": memory,
    "RecurrentDecoder": stat_decoder,
    "Decoding": Greedy,
    "DecodingState": transformer_state,
    "STaTSEncoder": lambda: nn.STaTSEncoder(object_channels=8, embedding_channels=8),
}
_ = (Sampling, Table, random_table, world)
