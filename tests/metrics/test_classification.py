"""Scores of classifications equal scikit-learn's; intervals resample whole items or groups."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from stgraph.errors import DataError, OptionError, ShapeError
from stgraph.metrics import Predictions, average_precision, macro_f1, roc_auc


def random_predictions(seed, size=60, classes=4, ties=False):
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.ones(classes), size)
    if ties:
        scores = scores.round(1)
    return scores, random.integers(classes, size=size)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", [False, True])
def test_scores_of_one_class_equal_scikit_learn(seed, ties):
    scores, labels = random_predictions(seed, ties=ties)
    found = Predictions(scores, labels, tuple("abcd")).scores()
    predicted = scores.argmax(1)
    hot = labels[:, None] == np.arange(4)
    assert found["accuracy"] == pytest.approx(sklearn.accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(sklearn.f1_score(labels, predicted, average="macro"))
    assert found["average_precision"] == pytest.approx(sklearn.average_precision_score(hot, scores))
    assert found["auc"] == pytest.approx(sklearn.roc_auc_score(hot, scores))
    np.testing.assert_array_equal(
        Predictions(scores, labels, tuple("abcd")).confusion(), sklearn.confusion_matrix(labels, predicted)
    )


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_several_classes_equal_scikit_learn(seed):
    random = np.random.default_rng(seed)
    scores, labels = random.random((50, 3)), random.random((50, 3)) < 0.4
    found = Predictions(scores, labels, tuple("abc"))
    predicted = scores >= 0.5
    assert found.multi_label
    assert found.scores() == pytest.approx(
        {
            "accuracy": sklearn.accuracy_score(labels, predicted),
            "macro_f1": sklearn.f1_score(labels, predicted, average="macro"),
            "average_precision": sklearn.average_precision_score(labels, scores),
            "auc": sklearn.roc_auc_score(labels, scores),
        }
    )
    with pytest.raises(OptionError, match="one class per target"):
        found.confusion()


def test_a_class_that_does_not_occur_takes_no_part():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    found = Predictions(scores, np.array([0, 1]), ("a", "b", "c")).scores()
    assert found == {"accuracy": 1, "macro_f1": 1, "average_precision": 1, "auc": 1}
    alone = Predictions(scores[:1], np.array([0]), ("a", "b", "c")).scores()
    assert np.isnan(alone["auc"])
    assert np.isnan(average_precision(np.zeros(2, bool), np.ones(2)))
    assert np.isnan(roc_auc(np.ones(2, bool), np.ones(2)))
    assert np.isnan(macro_f1(np.zeros((2, 2), bool), np.zeros((2, 2), bool)))


def test_intervals_keep_the_targets_of_a_unit_together():
    right = np.array([[0.9, 0.1]] * 10 + [[0.1, 0.9]] * 10)
    people = ("Ann",) * 10 + ("Ben",) * 10
    found = Predictions(right, np.zeros(20, int), ("a", "b"), groups=people)
    assert tuple(found.intervals("groups", metrics=["accuracy"])["accuracy"]) == (
        0,
        1,
    )  # one of two people is right
    low, high = found.intervals("items", metrics=["accuracy"])["accuracy"]
    assert 0.2 < low < 0.4
    assert 0.6 < high < 0.8
    by_video = Predictions(right, np.zeros(20, int), ("a", "b"), items=people)
    assert by_video.intervals(metrics=["accuracy"]) == found.intervals("groups", metrics=["accuracy"])


def test_an_interval_has_the_coverage_of_a_share():
    """For a share the bootstrap's ends are close to those of the binomial distribution."""
    scores = np.array([[0.9, 0.1]] * 70 + [[0.1, 0.9]] * 30)
    low, high = Predictions(scores, np.zeros(100, int), ("a", "b")).intervals(metrics=["accuracy"])[
        "accuracy"
    ]
    error = 1.96 * (0.7 * 0.3 / 100) ** 0.5
    assert (low, high) == (pytest.approx(0.7 - error, abs=0.02), pytest.approx(0.7 + error, abs=0.02))


def test_wrong_arguments_are_named():
    good = np.full((2, 2), 0.5), np.array([0, 1]), ("a", "b")
    with pytest.raises(ShapeError, match=r"'probabilities' must be \[P, C=3\], got \[2, 2\]"):
        Predictions(good[0], good[1], ("a", "b", "c"))
    with pytest.raises(ShapeError, match="'labels' must be"):
        Predictions(good[0], np.zeros(3), good[2])
    with pytest.raises(ShapeError, match="'groups' must have one name per target"):
        Predictions(*good, groups=("Ann",))
    with pytest.raises(DataError, match="nothing to score"):
        Predictions(np.zeros((0, 2)), np.zeros(0), good[2])
    with pytest.raises(DataError, match="must be finite"):
        Predictions(np.full((2, 2), np.nan), *good[1:])
    with pytest.raises(OptionError, match="'by' must be"):
        Predictions(*good).intervals("groups")
    with pytest.raises(OptionError, match="'metrics' must be some of"):
        Predictions(*good).intervals(metrics=["f2"])


def test_labels_are_true_and_false_or_one_and_zero():
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    labels = np.array([1, 0, 1, 0])
    for kind in (np.int64, np.uint8, np.float32):
        assert roc_auc(labels.astype(kind), scores) == sklearn.roc_auc_score(labels, scores)
        assert average_precision(labels.astype(kind), scores) == average_precision(labels == 1, scores)
        assert macro_f1(labels.astype(kind), labels == 1) == 1.0
    for wrong in (
        np.array([2, 0, 1, 0]),
        np.array([0.5, 0, 1, 0]),
        labels.astype(str),
        labels.astype(object),
    ):
        with pytest.raises(DataError, match="'labels' must hold True and False, or 1 and 0, got "):
            roc_auc(wrong, scores)
    with pytest.raises(ShapeError, match=r"'scores' must be \[P=4\], got \[3\]"):
        average_precision(labels, scores[:3])
    with pytest.raises(DataError, match="'scores' must be numbers without NaN"):
        average_precision(labels, np.full(4, np.nan))
    with pytest.raises(DataError, match="'labels' must be numbers of classes, from 0 to 1"):
        Predictions(np.full((2, 2), 0.5), np.array([0, 2]), ("a", "b"))
