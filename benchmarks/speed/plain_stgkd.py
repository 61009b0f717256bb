"""STG-KD written plainly: one caption a sample, a dense adjacency matrix a video, ``nn.Transformer`` and cross-entropy."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from stgraph import STGraphCaptioner


class PlainSTGKD(nn.Module):
    """Eq. 1-8 with the weights of one of our models, whose dropout must be 0.

    Args:
        ours: The model.
        num_frames: T of every video.
        objects: N of every frame.
    """

    def __init__(self, ours: STGraphCaptioner, num_frames: int, objects: int) -> None:
        super().__init__()
        self.num_frames, self.objects = num_frames, objects
        scene: Any = ours.encoders["scene"]
        graph: Any = ours.encoders["object"]
        self.appearance, self.motion, self.fuse = (
            _linear(each) for each in (scene.appearance, scene.motion, scene.fuse)
        )
        self.project = _linear(graph.project)
        self.convs = nn.ModuleList(_linear(layer.lin) for layer in graph.layers)
        self.branches = nn.ModuleDict(
            {branch: PlainBranch(ours.decoder_of(branch), num_frames) for branch in ("scene", "object")}
        )

    def forward(
        self, x: Tensor, adjacency: Tensor, appearance: Tensor, motion: Tensor, words: Tensor
    ) -> dict[str, Tensor]:
        """Logits by branch.

        Shapes: x ``[P, T * N, F]``, adjacency (G) ``[P, T * N, T * N]``, appearance ``[P, T, Fa]``, motion ``[P, T, Fm]``,
            words ``[P, L]`` -> ``[P, L, V]``.
        """
        degree = adjacency.sum(2).clamp(min=1e-12).rsqrt()
        normal = degree[:, :, None] * adjacency * degree[:, None, :]
        h = self.project(x)
        for conv in self.convs:
            h = (h + normal @ conv(h)).relu()
        frames = {
            "object": h.view(len(h), self.num_frames, self.objects, -1).mean(2),
            "scene": self.fuse(torch.cat([self.appearance(appearance), self.motion(motion)], dim=2)),
        }
        return {branch: self.branches[branch](frames[branch], words) for branch in ("scene", "object")}

    def loss(self, logits: dict[str, Tensor], targets: Tensor, distill_weight: float = 4.0) -> Tensor:
        """Eq. 8, with the mean over the words that are not padding."""
        real = targets != 0
        language = sum(
            cross_entropy(scores.transpose(1, 2), targets, ignore_index=0) for scores in logits.values()
        )
        scene, other = (logits[branch].log_softmax(2) for branch in ("scene", "object"))
        divergence = (scene.exp() * (scene - other)).sum(2)
        return language + distill_weight * divergence[real].mean()


class PlainBranch(nn.Module):
    """The language model of a branch, as ``nn.Transformer`` with one sample a caption."""

    positions: Tensor

    def __init__(self, ours: Any, num_frames: int) -> None:
        super().__init__()
        layer = ours.decoder_layers[0]
        width, heads = ours.hidden_channels, layer.self_attention.num_heads
        self.transformer = nn.Transformer(
            width,
            heads,
            len(ours.encoder_layers),
            len(ours.decoder_layers),
            layer.feedforward[0].out_features,
            dropout=0.0,
            batch_first=True,
        )
        self.transformer.encoder.norm = self.transformer.decoder.norm = nn.Identity()
        self.embedding, self.head = nn.Embedding(ours.vocab_size, width), _linear(ours.lm_head)
        self.register_buffer("positions", ours.positions(torch.zeros(1, 64, width))[0])
        with torch.no_grad():
            self.embedding.weight.copy_(ours.embedding.weight)
            for mine, other in zip(ours.encoder_layers, self.transformer.encoder.layers, strict=True):
                copy_attention(mine.attention, other.self_attn)
                copy_rest(mine, other)
            for mine, other in zip(ours.decoder_layers, self.transformer.decoder.layers, strict=True):
                copy_attention(mine.self_attention, other.self_attn)
                copy_attention(mine.cross_attention, other.multihead_attn)
                copy_rest(mine, other)

    def forward(self, frames: Tensor, words: Tensor) -> Tensor:
        """Logits ``[P, L, V]`` of frames ``[P, T, d]`` and words ``[P, L]``."""
        length = words.size(1)
        embedded = self.embedding(words) * math.sqrt(frames.size(2)) + self.positions[:length]
        causal = nn.Transformer.generate_square_subsequent_mask(length)
        out = self.transformer(
            frames + self.positions[: frames.size(1)], embedded, tgt_mask=causal, tgt_is_causal=True
        )
        return self.head(out)


def _linear(ours: nn.Linear) -> nn.Linear:
    theirs = nn.Linear(ours.in_features, ours.out_features, bias=ours.bias is not None)
    theirs.load_state_dict(ours.state_dict())
    return theirs


def copy_attention(ours: Any, theirs: nn.MultiheadAttention) -> None:
    """Copies the weights of our attention."""
    theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
    theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
    theirs.out_proj.load_state_dict(ours.out.state_dict())


def copy_rest(ours: Any, theirs: Any) -> None:
    """Copies normalisations and the feed-forward net of our layer."""
    for number, norm in enumerate(ours.norms, start=1):
        getattr(theirs, f"norm{number}").load_state_dict(norm.state_dict())
    theirs.linear1.load_state_dict(ours.feedforward[0].state_dict())
    theirs.linear2.load_state_dict(ours.feedforward[3].state_dict())
