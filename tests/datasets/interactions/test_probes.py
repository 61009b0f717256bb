"""Neither trivial nor unlearnable: what linear probes can tell from features and from the truth."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stgraph.datasets.interactions import KINDS, VERBS, make_scene
from stgraph.datasets.interactions.worker_pool import generate_in_processes

SEED, TRAIN, TEST = 101, 420, 200
CHANCE_OF_VERB = 1 / len(VERBS)  # 0.125; of a kind's presence, balanced: 0.5


@pytest.fixture(scope="module")
def scenes():
    return [make_scene(SEED, index) for index in range(TRAIN + TEST)]


@pytest.fixture(scope="module")
def mean_pooled():
    videos = generate_in_processes(SEED, TRAIN + TEST, workers=2)
    return np.stack([video.appearance.mean(0).numpy() for video in videos])


def _answers(inputs, truth, regularisation=0.05, **options):
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=regularisation, max_iter=300, **options))
    return probe.fit(inputs[:TRAIN], truth[:TRAIN]).predict(inputs[TRAIN:])


def test_mean_pooled_frames_tell_which_kinds_are_present(mean_pooled, scenes):
    scores = []
    for kind in range(len(KINDS)):
        present = np.array([kind in scene.kinds for scene in scenes])
        scores.append(
            balanced_accuracy_score(present[TRAIN:], _answers(mean_pooled, present, class_weight="balanced"))
        )
    assert np.mean(scores) >= 0.80
    assert min(scores) >= 0.65  # no kind is beyond reach


def test_mean_pooled_frames_hardly_tell_the_verb(mean_pooled, scenes):
    verb = np.array([scene.verb for scene in scenes])
    accuracy = (_answers(mean_pooled, verb) == verb[TRAIN:]).mean()
    assert accuracy <= 0.35
    shares = np.bincount(verb, minlength=len(VERBS)) / len(verb)
    assert shares.max() < 1.5 * CHANCE_OF_VERB  # so that 0.125 is the chance


def test_the_true_ways_of_the_two_actors_tell_the_verb(scenes):
    verb = np.array([scene.verb for scene in scenes])
    accuracy = (_answers(_relations(scenes), verb, regularisation=1.0) == verb[TRAIN:]).mean()
    assert accuracy >= 0.95


def _relations(scenes):
    """Of the actor and the patient over time: distance, approach, speeds, height, angle turned."""
    actor, patient = (np.stack([scene.centre[k] for scene in scenes]) for k in (0, 1))
    gap = patient - actor
    distance = np.linalg.norm(gap, axis=-1)
    towards = gap / np.maximum(distance, 1)[..., None]
    steps = [np.gradient(way, axis=1) for way in (actor, patient)]
    angle = np.unwrap(np.arctan2(gap[..., 1], gap[..., 0]), axis=1)
    signals = [distance, gap[..., 1], np.abs(gap[..., 0]), np.abs(angle - angle[:, :1])]
    signals += [(step * towards).sum(-1) for step in steps] + [
        np.linalg.norm(step, axis=-1) for step in steps
    ]
    return np.concatenate([signal[:, ::4] for signal in signals], axis=1)
