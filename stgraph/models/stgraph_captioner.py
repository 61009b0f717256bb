"""STG-KD: an object branch over the spatio-temporal graph, distilled into a scene branch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from stgraph.decoding import DecodedCaptions, Decoding, Greedy
from stgraph.errors import DataError, OptionError
from stgraph.models.video_ids import video_ids
from stgraph.nn import (
    CaptionTransformer,
    FrameAttentionPool,
    FrameMeanPool,
    FrameMemory,
    GraphEncoder,
    InputFeatures,
    RelativeGeometry,
    SceneEncoder,
    pad_frames,
    pad_regions,
)
from stgraph.text import SpecialTokens

__all__ = ["STGraphCaptioner", "STGraphCaptionerConfig"]

STREAMS = {
    "scene": ("appearance", "motion"),
    "object": ("object",),
    "joint": ("appearance", "motion", "object"),
}


class STGraphCaptionerConfig(BaseModel):
    """Arguments of :class:`STGraphCaptioner`, as a model folder keeps them; defaults are the paper's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocab_size: int = Field(ge=5)
    appearance_channels: int = Field(default=0, ge=0)
    motion_channels: int = Field(default=0, ge=0)
    object_channels: int = Field(default=0, ge=0)
    branches: tuple[str, ...] = ("scene", "object")
    hidden_channels: int = Field(default=512, ge=1)
    num_graph_layers: int = Field(default=3, ge=0)
    flow: str = "target_to_source"
    pool: Literal["mean", "attention"] = "mean"
    edge_geometry: bool = False
    num_heads: int = Field(default=8, ge=1)
    num_layers: int = Field(default=2, ge=1)
    feedforward_channels: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    input_norm: Literal["layer"] | None = None
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    max_length: int = Field(default=20, ge=1)


class STGraphCaptioner(nn.Module):
    r"""Two branches, each an encoder and its own language model; trained together, tested by the scene branch alone.

    .. math:: F_s = \text{Eq. 6}, \quad F'_o = \text{Eq. 4-5 and frame means}, \quad P_b = \text{Transformer}_b(F_b)

    Args:
        settings: Sizes; see :class:`STGraphCaptionerConfig`. ``branches`` names one or both of "scene" and "object" (the
            first one is tested), or "joint" alone: the paper's "Two Branch + Concat", [F_s ; F'_o] W in front of one
            language model, which needs objects at test time too.

    Shapes: a batch of ``VideoGraph`` with x ``[N, F]``, appearance ``[sum T, Fa]`` and motion ``[sum T, Fm]`` of B videos;
        tokens ``[P, L]``, video ``[P]`` -> logits ``[P, L, V]`` by branch.
    Raises: OptionError: Settings that contradict each other. DataError: A stream that a branch needs is missing.
    Reference: Pan et al., CVPR 2020, sections 3.2-3.4.
    """

    name = "stgkd"
    config_class = STGraphCaptionerConfig

    def __init__(self, settings: STGraphCaptionerConfig) -> None:
        super().__init__()
        self.settings = settings
        self._frozen: set[str] = set()
        joint = settings.branches == ("joint",)
        if not joint and tuple(sorted(settings.branches)) not in (
            ("object",),
            ("scene",),
            ("object", "scene"),
        ):
            raise OptionError(
                f"'branches' must be one or both of 'scene' and 'object', or 'joint', got {list(settings.branches)}."
            )
        channels = settings.hidden_channels
        sources = ("scene", "object") if joint else settings.branches
        self.encoders = nn.ModuleDict({source: self._encoder(source) for source in sources})
        self.fuse = nn.Linear(2 * channels, channels, bias=False) if joint else None
        self.decoders = nn.ModuleDict(
            {
                branch: CaptionTransformer(
                    settings.vocab_size,
                    settings.hidden_channels,
                    num_heads=settings.num_heads,
                    num_layers=settings.num_layers,
                    feedforward_channels=settings.feedforward_channels,
                    dropout=settings.dropout,
                )
                for branch in settings.branches
            }
        )

    def _encoder(self, source: str) -> nn.Module:
        settings = self.settings
        if source == "scene":
            return SceneEncoder(
                settings.appearance_channels,
                settings.hidden_channels,
                settings.motion_channels,
                inputs=InputFeatures(settings.input_norm, settings.input_dropout),
            )
        if settings.object_channels < 1:
            raise OptionError("'object_channels' must be at least 1 for the object branch, got 0.")
        if settings.edge_geometry and settings.num_graph_layers == 0:
            raise OptionError(
                "'edge_geometry' must be false without graph layers, got true; its edges are theirs."
            )
        return GraphEncoder(
            settings.object_channels,
            settings.hidden_channels,
            settings.num_graph_layers,
            flow=settings.flow,
            pool=FrameMeanPool() if settings.pool == "mean" else FrameAttentionPool(settings.hidden_channels),
            geometry=RelativeGeometry() if settings.edge_geometry else None,
            inputs=InputFeatures(settings.input_norm, settings.input_dropout),
        )

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches that this model has."""
        return self.settings.branches

    def streams(self, branch: str) -> tuple[str, ...]:
        """The stored streams that a branch reads, where they are there."""
        self.check_branch(branch)
        return STREAMS[branch]

    def freeze(self, branch: str) -> None:
        """Keeps a branch as it is from now on: no gradients, no dropout. It is what a teacher trained first needs."""
        self.check_branch(branch)
        self._frozen.add(branch)
        for part in self._parts(branch):
            part.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> STGraphCaptioner:
        """As in torch, but for frozen branches, which stay in evaluation mode."""
        super().train(mode)
        for branch in self._frozen:
            for part in self._parts(branch):
                part.eval()
        return self

    def _parts(self, branch: str) -> tuple[nn.Module, nn.Module]:
        return self.encoders[branch], self.decoders[branch]

    def frames(self, graph: Any, branch: str) -> tuple[Tensor, Tensor]:
        """F_s, F'_o or both fused: one vector a frame ``[B, T, d]`` and a mask ``[B, T]``, True where a frame is real."""
        self.check_branch(branch)
        if self.fuse is None:
            return self._source_frames(graph, branch)
        scene, mask = self._source_frames(graph, "scene")
        return self.fuse(torch.cat([scene, self._source_frames(graph, "object")[0]], dim=-1)), mask

    def _source_frames(self, graph: Any, source: str) -> tuple[Tensor, Tensor]:
        num_frames = self._num_frames(graph)
        if source == "scene":
            appearance = _stream(graph, "appearance")
            motion = _stream(graph, "motion") if self.settings.motion_channels else None
            rows = self.encoders["scene"](appearance, motion)
        else:
            total = int(num_frames.sum())
            rows = self.encoders["object"](
                graph.x, graph.edge_index, graph.edge_weight, graph.frame, total, graph.get("box")
            )
        return pad_frames(rows, num_frames)

    def encode(self, graph: Any, branch: str) -> FrameMemory:
        """What the words of a branch attend to."""
        return self._decoder(branch).encode(*self.frames(graph, branch))

    def forward(self, graph: Any, tokens: Tensor, video: Tensor) -> dict[str, Tensor]:
        """Scores of all next words in every branch; each video is encoded once, whatever its number of captions."""
        return self.scores_and_features(graph, tokens, video)[0]

    def scores_and_features(
        self, graph: Any, tokens: Tensor, video: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The scores of :meth:`forward`, and each branch's F_s or F'_o, real frames only ``[M, d]``."""
        scores, features = {}, {}
        for branch in self.branches:
            with torch.set_grad_enabled(torch.is_grad_enabled() and branch not in self._frozen):
                frames, mask = self.frames(graph, branch)
                decoder = self._decoder(branch)
                scores[branch] = decoder(decoder.encode(frames, mask), tokens, video)
                features[branch] = frames[mask]
        return scores, features

    @torch.no_grad()
    def generate(
        self,
        graph: Any,
        special_tokens: SpecialTokens,
        branch: str | None = None,
        *,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> DecodedCaptions:
        """Generates captions of a batch by one branch; the streams of the other branch may be absent.

        Args:
            graph: Videos; where they have ids, samples are drawn by them.
            special_tokens: Ids of begin and end, and of what is never generated.
            branch: Branch to generate from; defaults to the evaluation branch, which is the first.
            decoding: How words are chosen; defaults to :class:`~stgraph.decoding.Greedy`.
            attention: Whether to return the attention of each word over the "frames": the cross attention of the language
                model's last layer, averaged over its heads. Where objects are pooled by attention, "regions" holds the
                weight of each object in its frame, the same for all words.

        Raises:
            OptionError: If the model has no such branch.
            DataError: If a stream of the branch is missing.
        """
        branch = branch or self.branches[0]
        self.check_branch(branch)
        memory = self.encode(graph, branch)
        decoder, max_length = self._decoder(branch), self.settings.max_length
        found = (decoding or Greedy()).decode(
            decoder,
            decoder.start(memory, max_length, attention=attention),
            memory.frames.size(0),
            special_tokens,
            max_length=max_length,
            keys=video_ids(graph),
            attention=attention,
            device=memory.frames.device,
        )
        if not attention:
            return found
        found = replace(found, masks={"frames": memory.mask})
        return found if branch == "scene" else self._with_regions(found, graph)

    def _with_regions(self, found: DecodedCaptions, graph: Any) -> DecodedCaptions:
        encoder = cast(GraphEncoder, self.encoders["object"])
        if not isinstance(encoder.pool, FrameAttentionPool):
            return found
        num_frames = self._num_frames(graph)
        nodes = encoder.nodes(graph.x, graph.edge_index, graph.edge_weight, graph.get("box"))
        weights = encoder.pool.weights(nodes, graph.frame, int(num_frames.sum()))
        regions, mask = pad_regions(weights, graph.frame, num_frames)
        rows = regions[..., 0].repeat_interleave(len(found.tokens) // len(mask), 0)
        by_word = rows[:, None] * (found.tokens != 0)[..., None, None]
        return replace(
            found,
            attention={**found.attention, "regions": by_word},
            masks={**found.masks, "regions": mask},
        )

    @staticmethod
    def _num_frames(graph: Any) -> Tensor:
        return torch.as_tensor(graph.num_frames, device=graph.x.device).reshape(-1)

    def _decoder(self, branch: str) -> CaptionTransformer:
        return cast(CaptionTransformer, self.decoders[branch])

    def check_branch(self, branch: str) -> None:
        """Raises OptionError where the model has no such branch."""
        if branch not in self.branches:
            raise OptionError(f"'branch' must be one of {self.branches} for this model, got {branch!r}.")


def _stream(graph: Any, name: str) -> Tensor:
    stream = graph.get(name)
    if stream is None:
        raise DataError(
            f"The scene branch needs '{name}' features, but these videos have none; extract them first."
        )
    return stream
