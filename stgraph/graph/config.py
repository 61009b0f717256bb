"""The settings of a graph builder, as configurations and model folders keep them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from stgraph.graph.builder import VideoGraphBuilder
from stgraph.graph.edges import CosineEdges, EdgeRule, IouEdges

__all__ = ["GraphConfig", "build_graph_builder"]


class GraphConfig(BaseModel):
    """How a ``VideoGraphBuilder`` is made: only built-in edge rules can be kept in a model folder.

    The last four are arguments of :class:`~stgraph.graph.IouEdges` and :class:`~stgraph.graph.CosineEdges`, past the
    paper, and must keep their defaults in a graph without such edges.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    spatial: Literal["iou", "self"] | None = "iou"
    temporal: Literal["cosine"] | None = "cosine"
    dense: bool = False
    max_objects: int | None = 5
    score_threshold: float = 0.5
    pad_objects: int | None = None
    spatial_temperature: float = Field(default=1.0, ge=1e-3, allow_inf_nan=False)
    temporal_temperature: float = Field(default=1.0, ge=1e-3, allow_inf_nan=False)
    center_features: bool = False
    temporal_direction: Literal["forward", "both"] = "forward"

    @field_validator("spatial_temperature", "temporal_temperature", "center_features", "temporal_direction")
    @classmethod
    def _has_edges_to_act_on(cls, value: Any, info: ValidationInfo) -> Any:
        slot, rule = (
            ("spatial", "iou") if info.field_name == "spatial_temperature" else ("temporal", "cosine")
        )
        default = cls.model_fields[str(info.field_name)].default
        if value != default and (info.data.get("dense") or info.data.get(slot) != rule):
            raise PydanticCustomError("no_edges", f"must stay {default} in a graph without '{rule}' edges")
        return value


def build_graph_builder(settings: GraphConfig) -> VideoGraphBuilder:
    """The builder that a model folder or a configuration describes."""
    limits = (settings.max_objects, settings.score_threshold, settings.pad_objects)
    if settings.dense:
        return VideoGraphBuilder.dense(*limits)
    spatial: str | EdgeRule | None = settings.spatial
    temporal: str | EdgeRule | None = settings.temporal
    if spatial == "iou":
        spatial = IouEdges(settings.spatial_temperature)
    if temporal == "cosine":
        temporal = CosineEdges(
            settings.temporal_temperature, settings.center_features, settings.temporal_direction
        )
    return VideoGraphBuilder(spatial, temporal, *limits)
