"""Removes objects and boxes of a generated video, and says how far each word of its caption falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from stgraph import CaptionPipeline
from stgraph.datasets.interactions import KINDS, caption_roles, make_scene, parse_video_id, tag_interactions
from stgraph.features import VideoFeatures
from stgraph.inspection import GROUNDING_METHODS, Grounding, ground_caption, log_probs_without

SHARES = (0.1, 0.2, 0.4)
"""Shares of the boxes that are removed."""
DRAWS = 5
"""Random removals of each size."""
N_STEPS = 16
"""Points of the line of integrated gradients."""

Objects = frozenset[int]


@dataclass(frozen=True)
class Phrase:
    """Words of a caption that name objects of the scene.

    Args:
        kind: "noun" for a colour and a shape, "verb" for what subject and object do.
        words: Positions in the caption.
        objects: Objects of the scene that are named: one by a noun, two by a verb.
    """

    kind: str
    words: tuple[int, ...]
    objects: Objects


@dataclass
class Removals:
    """Sets of boxes to remove, each of which is scored once."""

    masks: list[Tensor] = field(default_factory=list)

    def add(self, mask: Tensor) -> int:
        """Row of a set."""
        self.masks.append(mask)
        return len(self.masks) - 1


def phrases_of(caption: str, nouns: Sequence[str]) -> list[Phrase]:
    """Phrases of a caption that name objects; a verb counts if its subject and its object are in the scene.

    Args:
        caption: The caption.
        nouns: Noun of each object of the scene, all different.

    >>> phrases_of("a red ball chases the blue box", ["blue box", "red ball"])  # doctest: +NORMALIZE_WHITESPACE
    [Phrase(kind='noun', words=(1, 2), objects=frozenset({1})),
     Phrase(kind='noun', words=(5, 6), objects=frozenset({0})),
     Phrase(kind='verb', words=(3,), objects=frozenset({0, 1}))]
    """
    words = caption.split()
    found = []
    for place in range(len(words) - 1):
        noun = " ".join(words[place : place + 2])
        if noun in nouns:
            found.append(Phrase("noun", (place, place + 1), frozenset({nouns.index(noun)})))
    subject, verb, other = caption_roles(caption)
    if verb is not None and subject in nouns and other in nouns and subject != other:
        verbs = tuple(place for place, tag in enumerate(tag_interactions(words)) if tag == "verb")
        found.append(Phrase("verb", verbs[:1], frozenset({nouns.index(subject), nouns.index(other)})))
    return found


def object_of_boxes(boxes: Tensor, frame_index: Tensor, video_id: str) -> Tensor:
    """Object of the scene that each detected box shows, by the largest overlap from 0.5 on; -1 for none.

    Shapes: boxes ``[N, 4]``, frame_index ``[N]`` (frame of the video) -> ``[N]``.
    """
    scene = make_scene(*parse_video_id(video_id))
    centre = torch.as_tensor(scene.centre)[:, frame_index]  # [K, N, 2]
    radius = torch.as_tensor(scene.radius)[:, frame_index, None]
    true = torch.cat([centre - radius, centre + radius], 2)
    boxes = boxes.to(true.dtype)
    low, high = torch.maximum(true[..., :2], boxes[:, :2]), torch.minimum(true[..., 2:], boxes[:, 2:])
    common = (high - low).clamp(min=0).prod(2)
    overlap = common / (_areas(true) + _areas(boxes) - common)
    best, found = overlap.max(0)
    return torch.where(best >= 0.5, found, -1)


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


def measure_video(
    captioner: CaptionPipeline,
    video: VideoFeatures,
    seed: int,
    *,
    caption: str | None = None,
    branch: str | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Falls of the phrases of a caption, by default the model's own, by kind.

    Each phrase has, all as falls of its log-probability: "named" (its objects are removed), "others" (mean over all other
    sets of as many objects), "any" (mean over all sets), and for each method "objects" (its most important objects), "hit"
    (whether these are the named ones) and "boxes" (its most important boxes, by share); "random" is "boxes" at random.
    """
    graph = captioner.graph_of(video, branch)
    owner = object_of_boxes(
        graph.box, video.sample(captioner.config.num_frames).frame_index[graph.frame], video.id
    )
    scene = make_scene(*parse_video_id(video.id))
    seen = sorted(set(owner.tolist()) - {-1})
    first = ground_caption(captioner, graph, caption, method="attention", branch=branch)
    phrases = phrases_of(first.caption, [KINDS[kind].noun for kind in scene.kinds])
    phrases = [each for each in phrases if each.objects <= set(seen) and len(seen) > len(each.objects)]
    if not phrases:
        return {}
    grounded = {
        method: first
        if method == "attention"
        else ground_caption(captioner, graph, first.caption, method=method, branch=branch, n_steps=N_STEPS)
        for method in GROUNDING_METHODS
    }
    removals = Removals()
    sets = {
        frozenset(each): removals.add(torch.isin(owner, torch.tensor(each)))
        for size in (1, 2)
        for each in combinations(seen, size)
    }
    counts = [max(1, round(share * len(owner))) for share in SHARES]
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(owner), generator=generator) for _ in range(DRAWS)]
    random = [[removals.add(_first(order, count)) for order in orders] for count in counts]
    tops: dict[tuple[int, str], list[int]] = {}
    for row, phrase in enumerate(phrases):
        for method, found in grounded.items():
            order = _weights(found, phrase).argsort(descending=True)
            tops[row, method] = [removals.add(_first(order, count)) for count in counts]
    left = log_probs_without(captioner, graph, torch.stack(removals.masks), first.caption, branch=branch)
    result: dict[str, list[dict[str, Any]]] = {}
    for row, phrase in enumerate(phrases):
        words = list(phrase.words)
        falls = (first.log_probs[words].sum() - left[:, words].sum(1)).tolist()
        alike = {each: falls[place] for each, place in sets.items() if len(each) == len(phrase.objects)}
        others = [fall for each, fall in alike.items() if each != phrase.objects]
        measured: dict[str, Any] = {
            "named": alike[phrase.objects],
            "others": _mean(others),
            "any": _mean(list(alike.values())),
            "random": [_mean([falls[place] for place in draws]) for draws in random],
        }
        for method, found in grounded.items():
            weights = _weights(found, phrase)
            important = max(alike, key=lambda each: sum(float(weights[owner == one].sum()) for one in each))
            measured[method] = {
                "objects": alike[important],
                "hit": float(important == phrase.objects),
                "boxes": [falls[place] for place in tops[row, method]],
            }
        result.setdefault(phrase.kind, []).append(measured)
    return result


def _weights(found: Grounding, phrase: Phrase) -> Tensor:
    """Weight of each box for a phrase."""
    assert found.nodes is not None
    return found.nodes[list(phrase.words)].sum(0)


def _first(order: Tensor, count: int) -> Tensor:
    return torch.zeros(len(order), dtype=torch.bool).index_fill(0, order[:count], True)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
