"""Settings of a graph builder, as configurations and model folders keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from stgraph.checking import checked
from stgraph.errors import shown
from stgraph.graph.edge_kind import EdgeKind
from stgraph.graph.edges import (
    CosineEdges,
    IouEdges,
    NearestEdges,
    TrackEdges,
    cosine_edges,
    iou_edges,
    self_edges,
)
from stgraph.graph.edges.registry import edge_rule_names, registered_name
from stgraph.graph.edges.rule import EdgeRule

if TYPE_CHECKING:
    from stgraph.graph.builder import VideoGraphBuilder

__all__ = ["GraphConfig"]

# Options of a rule: the slot of the builder, and the rule that takes it.
OPTIONS = {
    "spatial_temperature": ("spatial", "iou"),
    "temporal_temperature": ("temporal", "cosine"),
    "center_features": ("temporal", "cosine"),
    "temporal_direction": ("temporal", "cosine"),
    "track_decay": ("temporal", "track"),
    "track_hops": ("temporal", "track"),
    "nearest_k": ("spatial", "nearest"),
}

MOST_PADDED = 1000
"""Largest number of nodes that a frame is padded to."""


@checked
class GraphConfig(BaseModel):
    """Settings from which a :class:`VideoGraphBuilder` is built; derived from one by ``builder.config``.

    Args:
        spatial: Name of the spatial rule, or None.
        temporal: Name of the temporal rule, or None.
        dense: Whether all pairs of a video are linked instead.
        max_objects: As in the builder.
        score_threshold: As in the builder.
        pad_objects: As in the builder.
        spatial_temperature: Temperature of :class:`IouEdges`.
        temporal_temperature: Temperature of :class:`CosineEdges`.
        center_features: ``center`` of :class:`CosineEdges`.
        temporal_direction: ``direction`` of :class:`CosineEdges`.
        track_decay: ``decay`` of :class:`TrackEdges`.
        track_hops: ``hops`` of :class:`TrackEdges`.
        nearest_k: ``k`` of :class:`NearestEdges`.

    An option of a rule must keep its default if the graph does not use the rule.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    make: ClassVar[Callable[..., VideoGraphBuilder]]  # set by builder.py, which imports this module
    make_dense: ClassVar[Callable[..., VideoGraphBuilder]]

    spatial: str | None = "iou"
    temporal: str | None = "cosine"
    dense: bool = False
    max_objects: int | None = Field(default=None, ge=1)
    score_threshold: float = Field(default=0.0, allow_inf_nan=False)
    pad_objects: int | None = Field(default=None, ge=1, le=MOST_PADDED)
    spatial_temperature: float = Field(default=1.0, ge=1e-3, allow_inf_nan=False)
    temporal_temperature: float = Field(default=1.0, ge=1e-3, allow_inf_nan=False)
    center_features: bool = False
    temporal_direction: Literal["forward", "both"] = "forward"
    track_decay: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    track_hops: tuple[int, ...] = (1,)
    nearest_k: int = Field(default=3, ge=1)

    @field_validator("spatial", "temporal")
    @classmethod
    def _is_known(cls, value: str | None, info: ValidationInfo) -> str | None:
        known = edge_rule_names("spatial" if info.field_name == "spatial" else "temporal")
        if value is not None and value not in known:
            names = ", ".join(f"'{name}'" for name in known[:-1]) + f" or '{known[-1]}'"
            raise PydanticCustomError(
                "unknown_rule",
                "should be {names}, or null, got '{value}'; register the rule, or install the package that brings it",
                {"names": shown(names, 2000), "value": shown(value)},
            )
        return value

    @field_validator(*OPTIONS)
    @classmethod
    def _has_its_rule(cls, value: Any, info: ValidationInfo) -> Any:
        slot, rule = OPTIONS[str(info.field_name)]
        default = cls.model_fields[str(info.field_name)].default
        if value != default and (info.data.get("dense") or info.data.get(slot) != rule):
            raise PydanticCustomError("no_edges", f"must stay {default} in a graph without '{rule}' edges")
        return value

    def build(self) -> VideoGraphBuilder:
        """Builds the builder.

        Raises:
            OptionError: If settings contradict each other.
        """
        limits = (self.max_objects, self.score_threshold, self.pad_objects)
        if self.dense:
            return type(self).make_dense(*limits)
        spatial: str | EdgeRule | None = self.spatial
        temporal: str | EdgeRule | None = self.temporal
        if spatial == "iou":
            spatial = IouEdges(self.spatial_temperature)
        elif spatial == "nearest":
            spatial = NearestEdges(self.nearest_k)
        if temporal == "cosine":
            temporal = CosineEdges(self.temporal_temperature, self.center_features, self.temporal_direction)
        elif temporal == "track":
            temporal = TrackEdges(self.track_decay, self.track_hops)
        return type(self).make(spatial, temporal, *limits)

    @classmethod
    def of(cls, builder: VideoGraphBuilder) -> GraphConfig:
        """The settings of a builder.

        Raises:
            OptionError: If a rule has no registered name.
        """
        dense = EdgeKind.DENSE in builder.rules
        values: dict[str, Any] = {
            "spatial": None,
            "temporal": None,
            "dense": dense,
            "max_objects": builder.max_objects,
            "score_threshold": builder.score_threshold,
            "pad_objects": builder.pad_objects,
        }
        for kind, slot in ((EdgeKind.SPACE, "spatial"), (EdgeKind.TIME, "temporal")):
            if kind in builder.rules:
                values |= _settings_of(slot, builder.rules[kind])
        return cls(**values)


def _settings_of(slot: str, rule: Any) -> dict[str, Any]:
    """Name and options of a rule in a slot."""
    if slot == "spatial" and (isinstance(rule, IouEdges) or rule is iou_edges):
        return {slot: "iou", "spatial_temperature": getattr(rule, "temperature", 1.0)}
    if slot == "spatial" and isinstance(rule, NearestEdges):
        return {slot: "nearest", "nearest_k": rule.k}
    if slot == "spatial" and rule is self_edges:
        return {slot: "self"}
    if slot == "temporal" and rule is cosine_edges:
        return {slot: "cosine"}
    if slot == "temporal" and isinstance(rule, CosineEdges):
        return {
            slot: "cosine",
            "temporal_temperature": rule.temperature,
            "center_features": rule.center,
            "temporal_direction": rule.direction,
        }
    if slot == "temporal" and isinstance(rule, TrackEdges):
        return {slot: "track", "track_decay": rule.decay, "track_hops": rule.hops}
    return {slot: registered_name(rule)}
