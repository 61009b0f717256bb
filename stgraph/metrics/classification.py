"""Scores of classifications: accuracy, F1, average precision, area under the ROC curve, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from stgraph.checking import checked, described
from stgraph.errors import DataError, OptionError, ShapeError
from stgraph.html_table import html_table
from stgraph.metrics.bootstrap import Interval, check_samples, interval_of
from stgraph.typing import check_shape

__all__ = ["CLASSIFICATION_METRICS", "Predictions", "average_precision", "macro_f1", "roc_auc"]


ScoredTargets = tuple[np.ndarray, np.ndarray, list[str], list[str | None]]
"""Probabilities, labels, items and groups of some targets."""


@checked
def macro_f1(labels: np.ndarray, predicted: np.ndarray) -> float:
    r"""Mean F1 of the classes that occur among labels or predictions.

    .. math:: F_1 = \frac{2 TP}{2 TP + FP + FN}

    Args:
        labels: Whether each target has each class; True and False, or 1 and 0.
        predicted: Whether each class is predicted, in the same way.

    Shapes: labels, predicted ``[P, C]``, or ``[P]`` of one class.

    Returns:
        NaN if no class occurs.

    Raises:
        DataError: If a value is not True or False.
        ShapeError: If the shapes differ.

    >>> labels = np.array([[True, False], [False, True], [False, True]])
    >>> macro_f1(labels, np.array([[True, False], [True, False], [False, True]]))
    0.6666666666666666
    """
    labels, predicted = _truths("labels", labels), _truths("predicted", predicted)
    if labels.ndim not in (1, 2) or labels.shape != predicted.shape:
        raise ShapeError(
            f"'labels' and 'predicted' must be [P, C] or [P] alike, got {list(labels.shape)} and {list(predicted.shape)}."
        )
    right = (labels & predicted).sum(0)
    found = labels.sum(0) + predicted.sum(0)
    here = found > 0
    return float((2 * right[here] / found[here]).mean()) if here.any() else float("nan")


@checked
def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    r"""Area under the curve of precision over recall, without interpolation; targets of equal score are one step.

    .. math:: AP = \sum_n (R_n - R_{n-1}) P_n

    Args:
        labels: Whether each target is positive; True and False, or 1 and 0.
        scores: Score of each target.

    Shapes: labels ``[P]``, scores ``[P]``.

    Returns:
        NaN if no target is positive.

    Raises:
        DataError: If a label is not True or False, or a score is NaN or no number.
        ShapeError: If the shapes differ.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    labels, scores = _ranked(labels, scores)
    if not labels.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    steps = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    right = labels[order].cumsum()[steps]
    gained = np.diff(right, prepend=0) / right[-1]
    return float((gained * right / (steps + 1)).sum())


@checked
def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Probability that a positive target scores above a negative one; equal scores count half.

    Args:
        labels: Whether each target is positive; True and False, or 1 and 0.
        scores: Score of each target.

    Shapes: labels ``[P]``, scores ``[P]``.

    Returns:
        NaN unless there are both positive and negative targets.

    Raises:
        DataError: If a label is not True or False, or a score is NaN or no number.
        ShapeError: If the shapes differ.

    >>> roc_auc(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.5
    """
    labels, scores = _ranked(labels, scores)
    positive = int(labels.sum())
    negative = len(labels) - positive
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(scores)[labels].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def _truths(name: str, values: np.ndarray) -> np.ndarray:
    """Checks that values are True or False, or 1 or 0, and returns them as bool."""
    if values.dtype == bool:
        return values
    if values.dtype.kind not in "iuf" or not ((values == 0) | (values == 1)).all():
        raise DataError(
            f"'{name}' must hold True and False, or 1 and 0, got {described(values)}; compare with a class first."
        )
    return values.astype(bool)


def _ranked(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Checks labels and scores of one class, and returns the labels as bool."""
    labels = _truths("labels", labels)
    check_shape("labels", labels, "P")
    check_shape("scores", scores, "P", P=len(labels))
    if scores.dtype.kind not in "biuf" or np.isnan(scores).any():
        raise DataError(f"'scores' must be numbers without NaN, got {described(scores)}.")
    return labels, scores if scores.dtype.kind == "f" else scores.astype(float)


def _accuracy(labels: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> float:
    return float((labels == predicted).all(1).mean())


def _over_classes(score: Callable[[np.ndarray, np.ndarray], float]) -> Callable[..., float]:
    def mean(labels: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> float:
        each = np.array([score(labels[:, c], scores[:, c]) for c in range(labels.shape[1])])
        return float(each[~np.isnan(each)].mean()) if not np.isnan(each).all() else float("nan")

    return mean


CLASSIFICATION_METRICS: dict[str, Callable[..., float]] = {
    "accuracy": _accuracy,
    "macro_f1": lambda labels, predicted, scores: macro_f1(labels, predicted),
    "average_precision": _over_classes(average_precision),
    "auc": _over_classes(roc_auc),
}
"""Scores by name, from labels, predictions and probabilities ``[P, C]``; the last two are means over classes."""


@checked
@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities of every class with the true labels, and their scores.

    "accuracy" is the share of targets whose class, or whole set of classes, is right; "macro_f1" the mean over the classes
    that occur; "average_precision" and "auc" are means over one class against the others, without classes for which they are
    not defined. With several classes per target a class is predicted from a probability of 0.5 on.

    Args:
        probabilities: Probability of each class.
        labels: Number of the true class, or whether each class is true.
        classes: Name of each class.
        items: What each target belongs to, such as the video: the unit that intervals resample.
        groups: Further units, such as the person of each target; None if there are none.

    Shapes: probabilities ``[P, C]``, labels int ``[P]`` or bool ``[P, C]``.

    Raises:
        ShapeError: If the lengths differ.
        DataError: If there are no targets, a probability is not finite, or a label is no class.

    Reference: the definitions of scikit-learn, with which tests compare.

    >>> found = Predictions(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1]), ("no", "yes"))
    >>> found.scores()["auc"], found.confusion().tolist()
    (1.0, [[1, 0], [1, 1]])
    """

    probabilities: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    items: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    multi_label: bool = field(init=False)

    def __post_init__(self) -> None:
        probabilities, labels = np.asarray(self.probabilities), np.asarray(self.labels)
        if probabilities.dtype.kind not in "biuf":
            raise DataError(f"'probabilities' must be numbers, got {described(probabilities)}.")
        probabilities = probabilities.astype(float)
        if probabilities.ndim != 2 or probabilities.shape[1] != len(self.classes):
            raise ShapeError(
                f"'probabilities' must be [P, C={len(self.classes)}], got {list(probabilities.shape)}."
            )
        size = len(probabilities)
        if labels.shape not in ((size,), probabilities.shape):
            raise ShapeError(
                f"'labels' must be [P={size}] or {list(probabilities.shape)}, got {list(labels.shape)}."
            )
        if not size:
            raise DataError("There is nothing to score: no target has a label; give some.")
        if not np.isfinite(probabilities).all():
            raise DataError("'probabilities' must be finite, got NaN or infinity; the model has diverged.")
        if labels.ndim == 2:
            labels = _truths("labels", labels)
        elif labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= len(self.classes):
            raise DataError(
                f"'labels' must be numbers of classes, from 0 to {len(self.classes) - 1}, got {described(labels)}."
            )
        items = tuple(self.items) or tuple(map(str, range(size)))
        for name, units in (("items", items), ("groups", self.groups)):
            if units is not None and len(units) != size:
                raise ShapeError(f"'{name}' must have one name per target ({size}), got {len(units)}.")
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "multi_label", labels.ndim == 2)

    @classmethod
    def join(cls, parts: Sequence[ScoredTargets], classes: tuple[str, ...]) -> Predictions:
        """Joins what was predicted of several batches.

        Args:
            parts: Probabilities, labels, items, and groups or None, of the targets of each batch.
            classes: Name of each class.

        Raises:
            DataError: If there is no target.
        """
        if not parts:
            raise DataError("There are no targets to score; give the data graphs of this split.")
        probabilities, labels, items, groups = zip(*parts, strict=True)
        named = [group for part in groups for group in part if group is not None]
        every = [item for part in items for item in part]
        return cls(
            np.concatenate(probabilities),
            np.concatenate(labels),
            classes,
            tuple(every),
            tuple(named) if len(named) == len(every) else None,
        )

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def true(self) -> np.ndarray:
        """Whether each target has each class, bool ``[P, C]``."""
        return self.labels.astype(bool) if self.multi_label else _one_hot(self.labels, len(self.classes))

    @property
    def predicted(self) -> np.ndarray:
        """Whether each class is predicted, bool ``[P, C]``."""
        if self.multi_label:
            return self.probabilities >= 0.5
        return _one_hot(self.probabilities.argmax(1), len(self.classes))

    def _repr_html_(self) -> str:
        """What a notebook shows: the scores."""
        rows = [(name.replace("_", " "), f"{value:.4f}") for name, value in self.scores().items()]
        return html_table(f"Scores of {len(self)} targets", ("score", "value"), rows)

    def scores(self) -> dict[str, float]:
        """The scores by name; NaN where a score is not defined."""
        return {
            name: score(self.true, self.predicted, self.probabilities)
            for name, score in CLASSIFICATION_METRICS.items()
        }

    def intervals(
        self,
        by: Literal["items", "groups"] = "items",
        samples: int = 1000,
        level: float = 0.95,
        seed: int = 0,
        metrics: Sequence[str] = tuple(CLASSIFICATION_METRICS),
    ) -> dict[str, Interval]:
        """Percentile intervals over sets of items or groups drawn with replacement; all targets of a unit stay together.

        Args:
            by: The unit that is drawn. With few groups, such as three persons, an interval over them is coarse.
            samples: Number of bootstrap samples.
            level: Confidence level, between 0 and 1.
            seed: Seed of the samples.
            metrics: Scores to give intervals of.

        Returns:
            Interval by score; NaN where a score is not defined in any sample.

        Raises:
            OptionError: If an argument is not allowed, or there are no groups.

        Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
        """
        check_samples(samples, level, seed)
        if by not in ("items", "groups") or (by == "groups" and self.groups is None):
            raise OptionError(f"'by' must be 'items', or 'groups' if targets have groups, got {by!r}.")
        if unknown := [name for name in metrics if name not in CLASSIFICATION_METRICS]:
            raise OptionError(
                f"'metrics' must be some of {list(CLASSIFICATION_METRICS)}, got {unknown[0]!r}."
            )
        units = self.items if by == "items" else self.groups
        names, unit = np.unique(np.array(units), return_inverse=True)
        rows = [np.flatnonzero(unit == number) for number in range(len(names))]
        true, predicted, scores = self.true, self.predicted, self.probabilities
        random = np.random.default_rng(seed)
        drawn: dict[str, list[float]] = {name: [] for name in metrics}
        for _ in range(samples):
            chosen = np.concatenate([rows[number] for number in random.integers(len(names), size=len(names))])
            for name in metrics:
                drawn[name].append(
                    CLASSIFICATION_METRICS[name](true[chosen], predicted[chosen], scores[chosen])
                )
        return {name: interval_of(np.array(values), level) for name, values in drawn.items()}

    def confusion(self) -> np.ndarray:
        """Number of targets of each true class (rows) that were taken for each class (columns), ``[C, C]``.

        Raises:
            OptionError: If targets have several classes.
        """
        if self.multi_label:
            raise OptionError(
                "A confusion matrix needs one class per target; these targets may have several."
            )
        size = len(self.classes)
        flat = self.labels * size + self.probabilities.argmax(1)
        return np.bincount(flat, minlength=size * size).reshape(size, size)


def _one_hot(numbers: np.ndarray, size: int) -> np.ndarray:
    return numbers[:, None] == np.arange(size)
