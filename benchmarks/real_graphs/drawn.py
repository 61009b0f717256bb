"""Scores of many bootstrap samples at once: targets are weighted by how often they were drawn, and sorted only once."""

from __future__ import annotations

import numpy as np

from stgraph.metrics import Predictions

CHUNK = 2**21
"""Largest number of weights of a class that are summed up at once."""


def drawn_scores(found: Predictions, metric: str, weights: np.ndarray) -> np.ndarray:
    """The score of every sample, equal to that of targets repeated as often as they were drawn.

    Args:
        found: Probabilities and true labels of P targets.
        metric: "accuracy", "average_precision" or "auc".
        weights: How often each target was drawn in each of D samples.

    Shapes: weights ``[D, P]`` -> ``[D]``.
    """
    if metric == "accuracy":
        right = (found.true == found.predicted).all(1)
        return (weights @ right) / weights.sum(1)
    of_class = {"average_precision": _average_precision, "auc": _auc}[metric]
    step = max(1, CHUNK // weights.shape[1])
    parts = []
    for start in range(0, len(weights), step):
        some = weights[start : start + step].astype(float)
        by_class = [of_class(*_ranked(found, number, some)) for number in range(len(found.classes))]
        parts.append(_mean_of_known(np.stack(by_class)))
    return np.concatenate(parts)


def _ranked(found: Predictions, number: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positive and all targets with at least each score, from the highest on, ``[D, S]``; equal scores are one step."""
    scores, true = found.probabilities[:, number], found.true[:, number]
    order = np.argsort(-scores, kind="stable")
    steps = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    drawn = weights[:, order]
    return (drawn * true[order]).cumsum(1)[:, steps], drawn.cumsum(1)[:, steps]


def _average_precision(right: np.ndarray, above: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(above > 0, right / above, 0.0)
        return (np.diff(right, axis=1, prepend=0) * precision).sum(1) / right[:, -1]


def _auc(right: np.ndarray, above: np.ndarray) -> np.ndarray:
    wrong = above - right
    gained, before = np.diff(right, axis=1, prepend=0), wrong - np.diff(wrong, axis=1, prepend=0) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - (gained * before).sum(1) / (right[:, -1] * wrong[:, -1])


def _mean_of_known(scores: np.ndarray) -> np.ndarray:
    known = ~np.isnan(scores)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, scores, 0).sum(0) / np.maximum(count, 1), np.nan)
