"""Edge rules by name: the built-in ones, installed ones, and those that a program registers."""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points
from typing import Any, Literal

from stgraph.checking import checked
from stgraph.errors import OptionError, shown
from stgraph.graph.edges.cosine import cosine_edges
from stgraph.graph.edges.iou import iou_edges
from stgraph.graph.edges.nearest import NearestEdges
from stgraph.graph.edges.rule import EdgeRule, rule_name
from stgraph.graph.edges.self_loops import self_edges
from stgraph.graph.edges.track import TrackEdges

__all__ = ["ENTRY_POINTS", "edge_rule_names", "find_edge_rule", "register_edge_rule", "registered_name"]

ENTRY_POINTS = "stgraph.edge_rules"
BUILT_IN: dict[str, dict[str, EdgeRule]] = {
    "spatial": {"iou": iou_edges, "self": self_edges, "nearest": NearestEdges()},
    "temporal": {"cosine": cosine_edges, "track": TrackEdges()},
}
"""Built-in rules by slot of the builder."""
Slot = Literal["spatial", "temporal"]
_registered: dict[str, EdgeRule] = {}


@checked
def register_edge_rule(name: str, rule: EdgeRule) -> EdgeRule:
    """Makes a rule known by name in this process, so that builders take the name and models can be saved with it.

    Installed packages name theirs as an entry point of the group ``stgraph.edge_rules`` instead.

    Args:
        name: A name that no other rule has.
        rule: ``(boxes, features, frame) -> (edge_index, weight)``.

    Returns:
        The rule.

    Raises:
        OptionError: If the rule is not callable, or the name belongs to another rule.
    """
    if not callable(rule):
        raise OptionError(f"An edge rule must be callable, got {type(rule).__name__}.")
    if not isinstance(name, str) or not name.isidentifier():
        raise OptionError(f"The name of an edge rule must be an identifier, got {name!r}.")
    if any(name in rules for rules in BUILT_IN.values()) or _registered.get(name, rule) is not rule:
        raise OptionError(f"The name '{name}' belongs to another edge rule; choose another name.")
    _registered[name] = rule
    return rule


@checked
def find_edge_rule(slot: Slot, name: str) -> EdgeRule:
    """Finds a rule by its name.

    Args:
        slot: Argument of the builder, "spatial" or "temporal".
        name: A built-in rule of that slot, a registered rule, or an entry point.

    Raises:
        OptionError: If there is no such rule.
    """
    if name in BUILT_IN[slot]:
        return BUILT_IN[slot][name]
    if name in _registered:
        return _registered[name]
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            rule = point.load()
            if not callable(rule):
                raise OptionError(
                    f"The entry point '{name}' of {ENTRY_POINTS} must lead to an edge rule, got {type(rule).__name__}."
                )
            return register_edge_rule(name, rule)
    known = edge_rule_names(slot)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    if name == "dense":
        hint = " For all pairs of a video use VideoGraphBuilder.dense()."
    raise OptionError(
        f"'{slot}' must be {', '.join(map(repr, known))}, a rule of your own, or None, got {shown(repr(name))}.{hint}"
    )


@checked
def edge_rule_names(slot: Slot) -> list[str]:
    """Names that a slot of the builder takes, without importing installed rules."""
    installed = {point.name for point in entry_points(group=ENTRY_POINTS)}
    return [*BUILT_IN[slot], *sorted({*_registered, *installed})]


def registered_name(rule: Any) -> str:
    """The name under which a rule of the user's is registered.

    Raises:
        OptionError: If it has none.
    """
    for name, known in _registered.items():
        if known is rule:
            return name
    raise OptionError(
        f"The edge rule '{rule_name(rule)}' has no registered name, so a model cannot be saved with it; call "
        f"register_edge_rule('NAME', rule) first."
    )
