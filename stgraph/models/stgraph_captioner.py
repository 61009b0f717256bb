"""STG-KD: an object branch over the spatio-temporal graph, distilled into a scene branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.decoding import DecodedCaptions
from stgraph.errors import OptionError
from stgraph.models.arguments import OptionalWidth, Probability, VocabSize, Width
from stgraph.models.attention_shares import AttentionShares, at_nodes, even_regions
from stgraph.models.captioning_model import (
    CaptioningModel,
    DataSizes,
    num_frames_of,
    stream_of,
)
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
from stgraph.nn.linear import Linear
from stgraph.typing import IntTensor, MaskTensor

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["STGraphCaptioner"]

STREAMS = {
    "scene": ("appearance", "motion"),
    "object": ("object",),
    "joint": ("appearance", "motion", "object"),
}


@checked
class STGraphCaptioner(CaptioningModel):
    r"""STG-KD: an object branch and a scene branch, trained together; the scene branch alone is evaluated.

    .. math:: F_s = \text{Eq. 6}, \quad F'_o = \text{Eq. 4-5 and frame means}, \quad P_b = \text{Transformer}_b(F_b)

    Args:
        vocab_size: Number of words, special tokens included.
        appearance_channels: Width of the frame features; 0 if there are none.
        motion_channels: Width of the clip features; 0 if there are none.
        object_channels: Width of the object features; 0 if there are none.
        branches: One or both of "scene" and "object" (the first one is evaluated), or "joint" alone: the paper's "Two
            Branch + Concat", :math:`[F_s ; F'_o] W` in front of one language model, which needs objects at test time too.
        hidden_channels: Width of frames, objects and words.
        num_graph_layers: Graph convolutions of the object branch; 0 leaves a projection.
        flow: Direction of messages; see :class:`~stgraph.nn.ResidualGCNConv`.
        pool: "mean" as published, or "attention" over the objects of a frame.
        edge_geometry: Whether edges are weighted by the relative geometry of their boxes (not in the paper).
        num_heads: Attention heads.
        num_layers: Transformer layers of the encoder, and of the decoder.
        feedforward_channels: Inner width of the feed-forward layers.
        dropout: Dropout probability.
        input_norm: "layer" normalises each feature vector (not in the paper); None leaves features as they are.
        input_dropout: Dropout probability of the input features (not in the paper).
        max_length: Largest number of words of a generated caption.

    Shapes: A batch of ``VideoGraph`` with x ``[N, F]``, appearance ``[sum T, Fa]`` and motion ``[sum T, Fm]`` of B videos;
        tokens ``[P, L]``, video ``[P]`` -> logits ``[P, L, V]`` by branch.

    Raises:
        OptionError: If arguments are out of range or contradict each other.
        DataError: If a stream that a branch needs is missing.

    Reference: Pan et al., CVPR 2020, sections 3.2-3.4; the defaults are the paper's.
    """

    name = "stgkd"
    loss_name = "stgkd"

    def __init__(
        self,
        vocab_size: VocabSize,
        *,
        appearance_channels: OptionalWidth = 0,
        motion_channels: OptionalWidth = 0,
        object_channels: OptionalWidth = 0,
        branches: tuple[str, ...] = ("scene", "object"),
        hidden_channels: Width = 512,
        num_graph_layers: OptionalWidth = 3,
        flow: Literal["target_to_source", "source_to_target"] = "target_to_source",
        pool: Literal["mean", "attention"] = "mean",
        edge_geometry: bool = False,
        num_heads: Width = 8,
        num_layers: Width = 2,
        feedforward_channels: Width = 1024,
        dropout: Probability = 0.3,
        input_norm: Literal["layer"] | None = None,
        input_dropout: Probability = 0.0,
        max_length: Width = 20,
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self._branches, self._frozen = branches, set[str]()
        joint = branches == ("joint",)
        if not joint and tuple(sorted(branches)) not in (("object",), ("scene",), ("object", "scene")):
            raise OptionError(
                f"'branches' must be one or both of 'scene' and 'object', or 'joint', got {list(branches)}."
            )
        inputs = partial(InputFeatures, input_norm, input_dropout)
        self.encoders = nn.ModuleDict()
        for source in ("scene", "object") if joint else branches:
            if source == "scene":
                self.encoders["scene"] = SceneEncoder(
                    appearance_channels, hidden_channels, motion_channels, inputs=inputs()
                )
                continue
            if object_channels < 1:
                raise OptionError("'object_channels' must be at least 1 for the object branch, got 0.")
            if edge_geometry and num_graph_layers == 0:
                raise OptionError(
                    "'edge_geometry' must be false without graph layers, got true; it weights the edges they use."
                )
            self.encoders["object"] = GraphEncoder(
                object_channels,
                hidden_channels,
                num_graph_layers,
                flow=flow,
                pool=FrameMeanPool() if pool == "mean" else FrameAttentionPool(hidden_channels),
                geometry=RelativeGeometry() if edge_geometry else None,
                inputs=inputs(),
            )
        self.fuse = Linear(2 * hidden_channels, hidden_channels, bias=False) if joint else None
        self.decoders = nn.ModuleDict(
            {
                branch: CaptionTransformer(
                    vocab_size,
                    hidden_channels,
                    num_heads=num_heads,
                    num_layers=num_layers,
                    feedforward_channels=feedforward_channels,
                    dropout=dropout,
                )
                for branch in branches
            }
        )

    @classmethod
    def arguments_for(
        cls,
        data: DataSizes,
        *,
        streams: Sequence[str] | None = None,
        categories: bool = False,
        **arguments: Any,
    ) -> dict[str, Any]:
        """As in the base class; a branch whose stream is missing is refused."""
        for branch, stream in (("scene", "appearance"), ("object", "object")):
            chosen = arguments.get("branches", ("scene", "object"))
            if {branch, "joint"} & set(chosen) and not data.widths.get(stream):
                other = "object" if branch == "scene" else "scene"
                raise OptionError(
                    f"The {branch} branch (and the joint one) needs '{stream}' features, but the data have only "
                    f"{', '.join(sorted(data.widths)) or 'none'}; extract them, or train the other branch alone with "
                    f"branches=[{other}] (for a command, model.branches=[{other}])."
                )
        return super().arguments_for(data, streams=streams, categories=categories, **arguments)

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches."""
        return self._branches

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

    def frames(self, graph: VideoGraph | Batch, branch: str) -> tuple[Tensor, Tensor]:
        """F_s, F'_o or both fused: one vector a frame ``[B, T, d]`` and a mask ``[B, T]``, True where a frame is real."""
        self.check_branch(branch)
        if self.fuse is None:
            return self._source_frames(graph, branch)
        scene, mask = self._source_frames(graph, "scene")
        return self.fuse(torch.cat([scene, self._source_frames(graph, "object")[0]], dim=-1)), mask

    def _source_frames(self, graph: VideoGraph | Batch, source: str) -> tuple[Tensor, Tensor]:
        num_frames = num_frames_of(graph)
        if source == "scene":
            appearance = stream_of(graph, "appearance")
            motion = stream_of(graph, "motion") if self.config["motion_channels"] else None
            rows = self.encoders["scene"](appearance, motion)
        else:
            total = int(num_frames.sum())
            rows = self.encoders["object"](
                graph.x, graph.edge_index, graph.edge_weight, graph.frame, total, graph.get("box")
            )
        return pad_frames(rows, num_frames)

    def encode(self, graph: VideoGraph | Batch, branch: str) -> FrameMemory:
        """What the words of a branch attend to."""
        return self.decoder_of(branch).encode(*self.frames(graph, branch))

    def forward(self, graph: VideoGraph | Batch, tokens: IntTensor, video: IntTensor) -> dict[str, Tensor]:
        """Scores of all next words in every branch; each video is encoded once, whatever its number of captions."""
        return self.scores_and_features(graph, tokens, video)[0]

    def scores_and_features(
        self,
        graph: VideoGraph | Batch,
        tokens: IntTensor,
        video: IntTensor,
        real: MaskTensor | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The scores of :meth:`forward`, and each branch's F_s or F'_o, real frames only ``[M, d]``.

        Args:
            graph: The videos.
            tokens: Words of each caption, from the begin token on ``[P, L]``.
            video: Video of each caption ``[P]``.
            real: Next words that are wanted ``[P, L]``, of which there are R; scores are then ``[R, V]``. The product with
                the vocabulary is the largest of a training step, and padding needs none.
        """
        scores, features = {}, {}
        for branch in self.branches:
            with torch.set_grad_enabled(torch.is_grad_enabled() and branch not in self._frozen):
                frames, mask = self.frames(graph, branch)
                decoder = self.decoder_of(branch)
                scores[branch] = decoder(decoder.encode(frames, mask), tokens, video, real)
                features[branch] = frames[mask]
        return scores, features

    def _with_masks(
        self, found: DecodedCaptions, graph: VideoGraph | Batch, branch: str, state: Any
    ) -> DecodedCaptions:
        """As in the base class; if objects are pooled by attention, "regions" are the weights of a frame's objects."""
        found = super()._with_masks(found, graph, branch, state)
        return found if branch == "scene" else self._with_regions(found, graph)

    def _with_regions(self, found: DecodedCaptions, graph: VideoGraph | Batch) -> DecodedCaptions:
        encoder = cast(GraphEncoder, self.encoders["object"])
        if not isinstance(encoder.pool, FrameAttentionPool):
            return found
        num_frames = num_frames_of(graph)
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

    def attention_shares(
        self, found: DecodedCaptions, graph: VideoGraph | Batch, branch: str
    ) -> AttentionShares:
        """Cross attention over frames, times the weight of each object in the pool of its frame.

        The layers between the objects and this attention also mix frames and objects, which the shares do not show.
        """
        frames = found.attention["frames"][0]
        if branch == "scene":
            return AttentionShares(frames)
        if "regions" in found.attention:
            inside = found.attention["regions"][0]
        else:
            inside = even_regions(pad_regions(graph.x, graph.frame, num_frames_of(graph))[1][0])[None]
        return AttentionShares(frames, at_nodes(frames[..., None] * inside, graph.frame))

    def decoder_of(self, branch: str) -> CaptionTransformer:
        """The language model of a branch."""
        self.check_branch(branch)
        return cast(CaptionTransformer, self.decoders[branch])
