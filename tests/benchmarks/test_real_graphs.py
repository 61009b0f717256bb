"""``python -m benchmarks.real_graphs`` on a small data set in CAD-120's layout."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.real_graphs import __main__ as command
from benchmarks.real_graphs.drawn import Draws, drawn_scores
from benchmarks.real_graphs.report import controls, over_videos
from benchmarks.real_graphs.rows import NUM_WEIGHTS, ROWS, examples_of, model_of
from benchmarks.real_graphs.tasks import TASKS, folds_of
from stgraph import VideoGraphBuilder
from stgraph.datasets import ClassificationDataModule
from stgraph.datasets.tracks import relation_examples
from stgraph.errors import DataError
from stgraph.metrics import CLASSIFICATION_METRICS, Predictions
from tests.datasets.tracks.layouts import write_cad120


@pytest.fixture
def cad(tmp_path):
    write_cad120(tmp_path / "cad120")
    return TASKS["cad120-action"].read(tmp_path / "cad120")


def relations(data):
    def make(builder):
        found = relation_examples(data, builder, num_frames=None)
        return [(graph, {pair: names[0] for pair, names in pairs.items()}) for graph, pairs in found]

    return make


def test_all_models_have_about_the_same_number_of_weights(cad):
    counts = {}
    for name, row in ROWS.items():
        examples = examples_of(row, lambda builder: TASKS["cad120-action"].examples(cad, builder, cad.ids))
        data = ClassificationDataModule(train=examples, label_names=cad.label_names)
        model = model_of(row, TASKS["cad120-action"].model, data, 0)
        counts[name] = sum(weight.numel() for weight in model.parameters())
    far = {name: count for name, count in counts.items() if abs(count / NUM_WEIGHTS - 1) > 0.12}
    assert far == {}


def test_shuffled_time_moves_whole_frames_and_keeps_what_the_targets_are_of(cad):
    row = ROWS["shuffled_time"]
    plain = relations(cad)(row.builder())
    moved = 0
    for (graph, target), (changed, still) in zip(plain, examples_of(row, relations(cad)), strict=True):
        boxes = {(i, j): label for (i, j), label in target.items()}
        for (i, j), label in still.items():
            pair = torch.stack([changed.box[i], changed.box[j]])
            assert any(
                other == label and torch.equal(torch.stack([graph.box[a], graph.box[b]]), pair)
                for (a, b), other in boxes.items()
            )
        assert len(still) == len(target)
        assert bool((changed.frame.diff() >= 0).all())
        groups = [
            {frozenset(map(tuple, each.box[each.frame == t].tolist())) for t in each.frame.unique()}
            for each in (graph, changed)
        ]
        assert groups[0] == groups[1]
        moved += not torch.equal(graph.box, changed.box)
    assert moved


def test_shuffled_identities_stay_in_their_frame(cad):
    row = ROWS["shuffled_identity"]
    plain, changed = relations(cad)(row.builder()), examples_of(row, relations(cad))
    different = 0
    for (graph, _), (other, _) in zip(plain, changed, strict=True):
        assert torch.equal(graph.box, other.box)
        for t in graph.frame.unique():
            here = graph.frame == t
            assert sorted(graph.track[here].tolist()) == sorted(other.track[here].tolist())
        different += not torch.equal(graph.track, other.track)
    assert different


def test_random_edges_are_about_as_many_and_between_other_boxes(cad):
    row = ROWS["random_edges"]
    plain, changed = relations(cad)(row.builder()), examples_of(row, relations(cad))
    for (graph, target), (other, still) in zip(plain, changed, strict=True):
        assert other.is_coalesced()
        assert target == still
        assert torch.equal(graph.box, other.box)
        before, after = ({*map(tuple, each.edge_index.t().tolist())} for each in (graph, other))
        assert 0.6 * len(before) < len(after) <= len(before)
        for end in (0, 1):
            degrees = [each.edge_index[end].bincount(minlength=len(graph.box)) for each in (graph, other)]
            assert bool((degrees[1] <= degrees[0]).all())
    assert sum(len(graph.edge_index[0]) for graph, _ in plain) > 0
    assert any(
        not torch.equal(a.edge_index, b.edge_index) for (a, _), (b, _) in zip(plain, changed, strict=True)
    )


def test_intervals_draw_whole_videos():
    classes, labels = ("no", "yes"), np.array([1, 1, 0, 0])
    right, wrong = np.eye(2)[labels], np.eye(2)[1 - labels]
    items = ("a/0-9", "a/9-18", "b/0-9", "b/9-18")
    half = np.concatenate([right[:2], wrong[2:]])
    a, b = ({0: {"all": Predictions(each, labels, classes, items)}} for each in (half, wrong))
    mean, low, high = over_videos(a, b, "accuracy")
    text = controls({"a": "A", "b": "B"}, {"a": a, "b": b}, "accuracy", {"a": "b", "c": "b", "b": "d"})
    assert text.startswith('The controls less "B", which they change:\n')
    assert text.endswith("- A: +0.500 (+0.000 to +1.000 over videos)\n")
    assert (mean, low, high) == (0.5, 0.0, 1.0)  # video a is won, b is not: 0, 1/2 or 1 of each draw


@pytest.mark.parametrize("metric", ["accuracy", "average_precision", "auc"])
@pytest.mark.parametrize("num_groups", [40, 6])
def test_drawn_groups_are_scored_like_repeated_targets(metric, num_groups):
    draws = np.random.default_rng(0)
    labels = draws.integers(3, size=40)
    scores = (
        draws.integers(5, size=(40, 4)) / 10
    )  # few values, so that many are equal; a fourth class never occurs
    found = Predictions(scores, labels, ("a", "b", "c", "d"), tuple(map(str, range(40))))
    group = np.arange(40) % num_groups
    times = draws.integers(3, size=(7, num_groups))
    if num_groups == 40:
        times[0, labels == 1] = 0  # a class that is not in the sample
    expected = []
    for row in times:
        rows = np.repeat(np.arange(40), row[group])
        expected.append(
            CLASSIFICATION_METRICS[metric](found.true[rows], found.predicted[rows], found.probabilities[rows])
        )
    np.testing.assert_allclose(drawn_scores(found, metric, Draws(group, times)), expected, rtol=1e-12)


def test_the_command_writes_a_table_and_computes_no_cell_twice(tmp_path, monkeypatch, capsys):
    write_cad120(tmp_path / "cad120")
    rows = [
        "constant",
        "random_forest",
        "no_layers_mean",
        "box_transformer_attention",
        "track_geometry_attention",
    ]
    arguments = ["cad120-action", "--train", str(tmp_path / "cad120"), "--seeds", "1", "--epochs", "1"]
    arguments += ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--rows", *rows]
    monkeypatch.setattr(sys, "argv", ["real_graphs", *arguments])
    command.main()
    first = capsys.readouterr().out
    monkeypatch.setattr(command, "run_cell", None)
    command.main()
    assert capsys.readouterr().out == first
    record = json.loads((tmp_path / "out" / "cad120-action.json").read_text())
    assert list(record) == rows
    assert set(record["constant"]["accuracy"]["0"]) == {"Ann", "Ben"}
    assert "The best row without edges" in (tmp_path / "out" / "cad120-action.md").read_text()
    monkeypatch.setattr(sys, "argv", ["real_graphs", *arguments[:-5], "constant", "track_geometry_attention"])
    command.main()  # no row to compare with
    text = (tmp_path / "out" / "cad120-action.md").read_text()
    assert "The best row without edges" not in text
    assert "| the most frequent class | " in text


def test_settings_are_chosen_on_the_last_of_the_training_people(cad):
    (fold,) = folds_of(cad, cad, validation=True)
    trained, tested = ({cad.group_of(each) for each in part[1]} for part in (fold.train, fold.test))
    assert (trained, tested) == ({"Ann"}, {"Ben"})


class Ungrouped:
    """Nine training videos of nobody in particular."""

    ids = tuple("abcdefghij")

    def __getitem__(self, video_id):
        return SimpleNamespace(group=None)

    def group_of(self, video_id):
        return None

    def split(self, name):
        return self.ids[:9] if name == "train" else self.ids[9:]


def test_settings_are_chosen_on_every_fourth_training_video_without_people():
    (fold,) = folds_of(Ungrouped(), None, validation=True)
    assert (fold.train[1], fold.test[1]) == (list("bcdfgh"), list("aei"))


def test_training_videos_of_one_person_cannot_choose_settings(cad):
    with pytest.raises(DataError, match="videos of one person"):
        folds_of(cad, None, validation=True)


def test_there_are_not_more_parts_than_videos(cad):
    with pytest.raises(DataError, match="cannot be cut into 50 parts"):
        folds_of(cad, None, parts=50)


def test_parts_hold_out_each_video_once(cad):
    folds = folds_of(cad, None, parts=2)
    assert sorted(each for fold in folds for each in fold.test[1]) == sorted(cad.ids)
    for fold in folds:
        assert sorted([*fold.train[1], *fold.test[1]]) == sorted(cad.ids)
        assert abs(len(fold.train[1]) - len(fold.test[1])) <= 1


def test_the_other_scaling_has_cells_and_a_table_of_its_own(tmp_path, monkeypatch, capsys):
    write_cad120(tmp_path / "cad120")
    arguments = ["cad120-action", "--train", str(tmp_path / "cad120"), "--seeds", "1", "--epochs", "1"]
    arguments += ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path), "--rows", "no_layers_mean"]
    for option in ("--standardize", "--no-standardize"):
        monkeypatch.setattr(sys, "argv", ["real_graphs", *arguments, option])
        command.main()
    assert {path.parent.name for path in (tmp_path / "runs").glob("*/*.npz")} == {
        "cad120-action-held-out-1",
        "cad120-action-standardized-held-out-1",
    }
    scaled, plain = (tmp_path / f"cad120-action{name}.json" for name in ("-standardized", ""))
    assert scaled.is_file()
    assert plain.is_file()  # the task's own scaling


def test_the_builder_of_a_row_keeps_every_box(cad):
    every = len(relations(cad)(VideoGraphBuilder(None, None))[0][0].x)
    assert {len(relations(cad)(row.builder())[0][0].x) for row in ROWS.values()} == {every}
