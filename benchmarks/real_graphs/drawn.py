"""Scores of many bootstrap samples of whole videos at once: targets are sorted only once and summed up by video."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stgraph.metrics import Predictions


class Draws(NamedTuple):
    """Samples of groups, which are drawn as a whole.

    Args:
        group: Group of each of P targets, from 0, ``[P]``.
        times: How often each of G groups is in each of D samples, ``[D, G]``.
    """

    group: np.ndarray
    times: np.ndarray


def drawn_scores(found: Predictions, metric: str, draws: Draws) -> np.ndarray:
    """The score of every sample, equal to that of targets repeated as often as they were drawn, ``[D]``.

    Args:
        found: Probabilities and true labels of P targets.
        metric: "accuracy", "average_precision" or "auc".
        draws: The samples.
    """
    if metric == "accuracy":
        right = (found.true == found.predicted).all(1)
        sizes, hits = (
            np.bincount(draws.group, weights, minlength=draws.times.shape[1]) for weights in (None, right)
        )
        return (draws.times @ hits) / (draws.times @ sizes)
    of_class = {"average_precision": _average_precision, "auc": _auc}[metric]
    scores = np.stack([of_class(_ranked(found, number, draws)) for number in range(len(found.classes))])
    known = ~np.isnan(scores)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, scores, 0).sum(0) / np.maximum(count, 1), np.nan)


class _Ranked(NamedTuple):
    """Drawn targets by falling score, at the S steps where positive ones are gained; equal scores are one step.

    Args:
        right: Positive targets up to and with each step, ``[D, S]``.
        wrong: Negative ones up to and with it, ``[D, S]``.
        wrong_before: Negative ones before it, ``[D, S]``.
        all_wrong: All negative ones, ``[D]``.
    """

    right: np.ndarray
    wrong: np.ndarray
    wrong_before: np.ndarray
    all_wrong: np.ndarray


def _ranked(found: Predictions, number: int, draws: Draws) -> _Ranked:
    scores, true = found.probabilities[:, number], found.true[:, number].astype(bool)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    times = draws.times.astype(float)

    def drawn(rows: np.ndarray) -> np.ndarray:
        """Targets of the mask up to and with each end of equal scores, by group; zeros before the first."""
        of_group = np.zeros((len(order), times.shape[1]))
        of_group[np.arange(len(order)), draws.group[order]] = rows[order]
        return np.concatenate([np.zeros_like(of_group[:1]), of_group.cumsum(0)[last]])

    right, wrong = drawn(true), drawn(~true)
    gains = np.flatnonzero(np.diff(right.sum(1))) + 1
    return _Ranked(
        times @ right[gains].T, times @ wrong[gains].T, times @ wrong[gains - 1].T, times @ wrong[-1]
    )


def _average_precision(ranked: _Ranked) -> np.ndarray:
    if not ranked.right.shape[1]:
        return np.full(len(ranked.right), np.nan)
    gained, above = np.diff(ranked.right, axis=1, prepend=0), ranked.right + ranked.wrong
    precision = np.divide(ranked.right, above, out=np.zeros(above.shape), where=above > 0)
    with np.errstate(invalid="ignore"):
        return (gained * precision).sum(1) / ranked.right[:, -1]


def _auc(ranked: _Ranked) -> np.ndarray:
    if not ranked.right.shape[1]:
        return np.full(len(ranked.right), np.nan)
    gained = np.diff(ranked.right, axis=1, prepend=0)
    before = (ranked.wrong + ranked.wrong_before) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - (gained * before).sum(1) / (ranked.right[:, -1] * ranked.all_wrong)
