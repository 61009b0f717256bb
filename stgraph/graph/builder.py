"""Detections -> graphs, one video or many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.checking import checked, warn_caller
from stgraph.errors import OptionError
from stgraph.features.detections import Detections
from stgraph.features.streams import GRID
from stgraph.graph.batching import make_batch
from stgraph.graph.config import MOST_PADDED, GraphConfig
from stgraph.graph.edge_kind import EdgeKind
from stgraph.graph.edges import CosineEdges, EdgeRule, cosine_edges, dense_edges, find_edge_rule
from stgraph.graph.edges.join import join_edges
from stgraph.graph.edges.registry import Slot
from stgraph.graph.nodes import Nodes, join_nodes, join_stream
from stgraph.graph.video_graph import VideoGraph

__all__ = ["VideoGraphBuilder"]


@checked
class VideoGraphBuilder:
    """Builds the spatio-temporal object graph of a video from its detections.

    Every box becomes a node unless ``max_objects`` or ``score_threshold`` cut some off (on equal scores the earlier box
    stays); nodes keep the order of the detections. Edges of the spatial rule are of kind SPACE, those of the temporal rule
    of kind TIME, and all are sorted by (i, j). With the paper's rules each row sums to 2 if the next frame has objects and
    to 1 if not.

    Args:
        spatial: "iou" (Eq. 1), "self" (each box with itself alone), "nearest" (each box to the nearest of its frame), a rule
            ``(boxes, features, frame) -> (edge_index, weight)`` such as :class:`IouEdges`, a registered name, or None for no
            such edges.
        temporal: "cosine" (Eq. 2), "track" (an object to its next sighting), a rule such as :class:`CosineEdges` or
            :class:`TrackEdges`, a registered name, or None.
        max_objects: Largest number of boxes per frame; None keeps all. The paper keeps 5.
        score_threshold: Lowest score that is kept. The paper uses 0.5.
        pad_objects: None: an absent object is absent. A number: each frame has that many nodes, as the paper's
            implementation details have it; absent ones (box, features and score 0, label and track -1) overlap with
            nothing, resemble nothing, and still share in softmax, degree and pooling. At most 1,000.

    Raises:
        OptionError: If an argument is none of those.

    Reference: Eq. 1-3 of https://arxiv.org/abs/2003.13942.

    >>> detections = Detections(boxes=[[0, 0, 10, 10], [5, 5, 20, 20]], scores=[0.9, 0.8],
    ...                         features=[[1.0], [2.0]], frame=[0, 1], num_frames=2, size=(24, 32))
    >>> graph = VideoGraphBuilder()(detections)
    >>> graph.edge_index.tolist(), graph.edge_weight, graph.edge_kind
    ([[0, 0, 1], [0, 1, 1]], tensor([1., 1., 1.]), tensor([0, 1, 0]))
    """

    def __init__(
        self,
        spatial: str | EdgeRule | None = "iou",
        temporal: str | EdgeRule | None = "cosine",
        max_objects: int | None = None,
        score_threshold: float = 0.0,
        pad_objects: int | None = None,
    ) -> None:
        for name, value in (("max_objects", max_objects), ("pad_objects", pad_objects)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise OptionError(f"'{name}' must be a whole number of at least 1, or None, got {value!r}.")
        if pad_objects is not None and pad_objects > MOST_PADDED:
            raise OptionError(
                f"'pad_objects' must be at most {MOST_PADDED:,}, got {pad_objects:,}: each frame gets so many nodes."
            )
        if isinstance(score_threshold, bool) or not isinstance(score_threshold, int | float):
            raise OptionError(f"'score_threshold' must be a number, got {score_threshold!r}.")
        if pad_objects is not None and (max_objects is None or max_objects > pad_objects):
            raise OptionError(
                f"'max_objects' must be at most pad_objects={pad_objects}, got {max_objects}; lower it, or "
                "pad to more."
            )
        self.max_objects, self.pad_objects = max_objects, pad_objects
        self.score_threshold = float(score_threshold)
        rules = {EdgeKind.SPACE: _rule("spatial", spatial), EdgeKind.TIME: _rule("temporal", temporal)}
        self.rules: dict[EdgeKind, EdgeRule] = {
            kind: rule for kind, rule in rules.items() if rule is not None
        }

    @classmethod
    def dense(
        cls,
        max_objects: int | None = None,
        score_threshold: float = 0.0,
        pad_objects: int | None = None,
    ) -> VideoGraphBuilder:
        """The paper's dense ablation: all N x N pairs of a video, each of weight 1 and kind DENSE."""
        builder = cls(None, None, max_objects, score_threshold, pad_objects)
        builder.rules = {EdgeKind.DENSE: dense_edges}
        return builder

    @property
    def config(self) -> GraphConfig:
        """Settings from which :meth:`~stgraph.graph.GraphConfig.build` makes this builder again.

        Raises:
            OptionError: If a rule has no registered name.
        """
        return GraphConfig.of(self)

    def __repr__(self) -> str:
        names = {kind.name.lower(): getattr(rule, "__name__", rule) for kind, rule in self.rules.items()}
        rules = ", ".join(f"{kind}={name}" for kind, name in names.items())
        return (
            f"{type(self).__name__}({rules or 'no edges'}, max_objects={self.max_objects}, "
            f"score_threshold={self.score_threshold}, pad_objects={self.pad_objects})"
        )

    def __call__(
        self,
        detections: Detections,
        appearance: Tensor | None = None,
        motion: Tensor | None = None,
        video_id: str | None = None,
        *,
        grids: Mapping[str, Tensor] | None = None,
        category: int | None = None,
    ) -> VideoGraph:
        """Builds one video's graph.

        Args:
            detections: The video's boxes.
            appearance: Frame features to carry along, ``[T, Fa]``.
            motion: Clip features to carry along, one row per frame, ``[T, Fm]``.
            video_id: Name to carry along.
            grids: Grids to carry along as ``graph["grid/NAME"]``, by name, ``[T, S, D]``.
            category: Number of the video's category to carry along, -1 unknown.

        Raises:
            ShapeError: If a stream does not have T rows.
            DataError: If a rule of the user's returns invalid edges.
        """
        _warn_of_geometry(self.rules, [detections])
        nodes = self._nodes([detections])
        return VideoGraph(
            **nodes.values,
            **join_edges(self.rules, nodes),
            num_frames=detections.num_frames,
            appearance=join_stream("appearance", None if appearance is None else [appearance], [detections]),
            motion=join_stream("motion", None if motion is None else [motion], [detections]),
            video_id=video_id,
            category=None if category is None else torch.tensor([category], device=nodes.video.device),
            **_join_grids({name: [grid] for name, grid in (grids or {}).items()}, [detections]),
        )

    def build_batch(
        self,
        detections: Sequence[Detections],
        appearance: Sequence[Tensor] | None = None,
        motion: Sequence[Tensor] | None = None,
        video_id: Sequence[str] | None = None,
        *,
        grids: Mapping[str, Sequence[Tensor]] | None = None,
        category: Sequence[int] | None = None,
    ) -> Batch:
        """Builds the graphs of many videos at once, equal to ``Batch.from_data_list`` of each one's, but faster.

        Args:
            detections: The boxes of each video.
            appearance: As in a call, one per video, or None.
            motion: As in a call, one per video, or None.
            video_id: As in a call, one per video, or None.
            category: As in a call, one per video, or None.
            grids: As in a call, one per video under each name.

        Raises:
            OptionError: If there is no video, or not one value per video.
            ShapeError: If a stream does not have T rows.
            DataError: If a rule of the user's returns invalid edges, or widths differ between videos.
        """
        if not detections:
            raise OptionError("'detections' must hold at least one video, got none.")
        grids = grids or {}
        given = {"appearance": appearance, "motion": motion, "video_id": video_id, "category": category}
        for name, values in (*given.items(), *grids.items()):
            if values is not None and len(values) != len(detections):
                raise OptionError(
                    f"'{name}' must be None or one per video, got {len(values)} for {len(detections)}."
                )
        _warn_of_geometry(self.rules, detections)
        nodes = self._nodes(detections)
        streams = {
            "appearance": join_stream("appearance", appearance, detections),
            "motion": join_stream("motion", motion, detections),
        }
        return make_batch(
            nodes,
            join_edges(self.rules, nodes),
            streams | _join_grids(grids, detections),
            None if video_id is None else list(video_id),
            None if category is None else torch.tensor(list(category)),
        )

    def _nodes(self, videos: Sequence[Detections]) -> Nodes:
        return join_nodes(videos, self.max_objects, self.score_threshold, self.pad_objects)


def _join_grids(
    grids: Mapping[str, Sequence[Tensor]], videos: Sequence[Detections]
) -> dict[str, Tensor | None]:
    return {GRID + name: join_stream(GRID + name, grid, videos, "T S D") for name, grid in grids.items()}


def _rule(slot: Slot, rule: str | EdgeRule | None) -> EdgeRule | None:
    return find_edge_rule(slot, rule) if isinstance(rule, str) else rule


def _warn_of_geometry(rules: Mapping[EdgeKind, EdgeRule], videos: Sequence[Detections]) -> None:
    """Warns if the cosine rule compares box geometry because the detections came without features."""
    cosine = any(isinstance(rule, CosineEdges) or rule is cosine_edges for rule in rules.values())
    if cosine and any(video.features_are_geometry and len(video) for video in videos):
        warn_caller(
            "The detections have no appearance features, so the cosine edges compare the geometry of boxes; pass features, "
            "use temporal='track', or temporal=None (for a command, graph.temporal=track or graph.temporal=null)."
        )


GraphConfig.make, GraphConfig.make_dense = VideoGraphBuilder, VideoGraphBuilder.dense
