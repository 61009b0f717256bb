"""Classifiers train under the same recipe as captioners: exact resume, best weights, model folder, scores."""

from functools import partial

import pytest
import torch
from lightning.pytorch import Callback, Trainer, seed_everything

import stgraph as sg
from stgraph.errors import DataError, ModelFolderError, OptionError
from stgraph.training import ClassificationModule, TrainingSummary
from tests.models.moving_boxes import BUILDER, moving, moving_data

MODELS = {"graph": sg.GraphClassifier, "track": sg.TrackClassifier, "pair": sg.RelationClassifier}
QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
FAST = {"optimizer": partial(torch.optim.Adam, lr=0.02), **QUIET}


class KilledError(Exception):
    pass


class KilledAt(Callback):
    def __init__(self, batches):
        self.batches = batches

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.fit_loop.total_batch_idx + 1 == self.batches:
            raise KilledError


def model_of(data, **options):
    seed_everything(3, verbose=False)
    return MODELS[data.level].for_data(
        data, **{"hidden_channels": 16, "dropout": 0.2, "num_layers": 1, **options}
    )


@pytest.mark.parametrize("level", MODELS)
def test_each_level_learns_and_is_used(tmp_path, level):
    data = moving_data(level)
    made = sg.train_classifier(model_of(data), data, tmp_path / "run", max_epochs=12, **FAST)
    found = made.evaluate(data)
    assert found.scores()["macro_f1"] == 1.0
    again = sg.ClassificationPipeline.from_pretrained(tmp_path / "run")
    assert again.evaluate(data).scores() == found.scores()
    assert found.groups is not None
    assert set(found.items) == {f"v{seed}" for seed in range(32, 40)}
    assert TrainingSummary.load(tmp_path / "run").monitor == "val/loss"
    answer = again(moving(100))
    first = {"graph": answer, "track": answer.get(0), "pair": answer.get((0, 1))}[level]
    assert max(first, key=first.get) == "left"
    assert again([moving(101)])[0].keys() == answer.keys()


def test_a_killed_run_ends_with_the_same_weights(tmp_path):
    def run(folder, **options):
        data = moving_data("track")
        return sg.train_classifier(
            model_of(data), data, folder, max_epochs=3, resume_every=1, **QUIET, **options
        )

    whole = run(tmp_path / "whole")
    for batches in (2, 4, 6):
        folder = tmp_path / f"killed {batches}"
        with pytest.raises(KilledError):
            run(folder, callbacks=KilledAt(batches))
        resumed = run(folder, resume=True)
        for name, value in whole.model.state_dict().items():
            assert torch.equal(value, resumed.model.state_dict()[name]), (batches, name)
    with pytest.raises(OptionError, match="holds a run already"):
        run(tmp_path / "whole")


def test_the_best_validation_is_kept(tmp_path):
    data = moving_data("graph")

    class Break(Callback):
        """Ruins the model in the last epochs."""

        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch >= 10:
                for parameter in pl_module.model.parameters():
                    parameter.data.zero_()

    options = {"monitor": "val/accuracy", "max_epochs": 12, "callbacks": Break()}
    made = sg.train_classifier(model_of(data), data, tmp_path / "run", **options, **FAST)
    assert (
        made.evaluate(data, "val").scores()["accuracy"] == TrainingSummary.load(tmp_path / "run").best > 0.5
    )


def test_without_validation_the_last_weights_are_kept(tmp_path):
    data = moving_data("graph", val=0)
    sg.train_classifier(model_of(data), data, tmp_path / "run", max_epochs=1, **QUIET)
    assert TrainingSummary.load(tmp_path / "run").best is None
    with pytest.raises(OptionError, match=r"'split' must be one of \['train', 'test'\]"):
        sg.ClassificationPipeline.from_pretrained(tmp_path / "run").evaluate(data, "val")


def test_a_plain_trainer_scores_and_predicts():
    data = moving_data("graph", train=8)
    module = ClassificationModule(model_of(data), data.classes)
    trainer = Trainer(max_epochs=1, logger=False, enable_checkpointing=False, **QUIET)
    trainer.fit(module, data)
    (scores,) = trainer.test(module, data, verbose=False)
    assert {
        "test/loss",
        "test/accuracy",
        "test/macro_f1",
        "test/average_precision",
        "test/auc",
    } <= scores.keys()
    assert scores["test/accuracy"] == pytest.approx(
        sg.ClassificationPipeline(module.model, data.model_config(module.model))
        .evaluate(data)
        .scores()["accuracy"]
    )
    (predicted,) = trainer.predict(module, data)
    assert [(item, key) for item, key, _ in predicted] == [(f"v{seed}", None) for seed in range(16, 24)]


def test_a_step_is_the_same_however_many_ranks_share_it():
    """The mean of the ranks' scaled losses is the loss of the whole batch."""
    data = moving_data("track")
    module = ClassificationModule(model_of(data, dropout=0.0).eval(), data.classes)
    ids = data.ids["train"][:5]
    whole = data.batch_of(ids)
    expected = module.loss(module.model(whole.graphs, whole.query), whole.labels)
    parts = []
    for rank in range(7):  # two ranks have no graph
        batch = data.batch_of(ids[rank::7], ids)
        share = len(batch.labels) / batch.total if batch.owned else 0.0
        parts.append(module.loss(module.model(batch.graphs, batch.query), batch.labels) * share * 7)
    torch.testing.assert_close(torch.stack(parts).mean(), expected)


def test_the_order_of_batches_depends_on_seed_and_epoch_only():
    data, same = moving_data(), moving_data()
    assert data.batches(3) == same.batches(3)
    assert data.batches(3) != data.batches(4)
    assert sorted(name for batch in data.batches(3) for name in batch) == sorted(data.ids["train"])


def test_detections_are_classified_by_the_builder_of_the_data(tmp_path):
    data = moving_data("graph", train=8)
    made = sg.train_classifier(model_of(data), data, tmp_path / "run", max_epochs=1, **QUIET)
    graph = moving(7)
    detections = sg.Detections.from_raw(
        boxes=graph.box,
        frame_numbers=graph.frame,
        labels=graph.label,
        track=graph.track,
        size=(120, 160),
        fps=10,
    )
    assert made(detections) == pytest.approx(made(graph), abs=1e-5)
    made.save_pretrained(tmp_path / "copy")
    assert sg.ClassificationPipeline.from_pretrained(tmp_path / "copy")(graph) == made(graph)
    with pytest.raises(
        ModelFolderError, match="holds a ClassificationPipeline; load it by ClassificationPipeline.from_"
    ):
        sg.CaptionPipeline.from_pretrained(tmp_path / "run")
    with pytest.raises(OptionError, match="'pairs' must be None for a model of the level 'graph'"):
        made(graph, pairs=[(0, 1)])
    other = moving_data("graph", train=8, label_names=("cup", "hand"))
    with pytest.raises(OptionError, match="'data' must have the model's label_names"):
        made.evaluate(other)


GRAPH = moving(0)


@pytest.mark.parametrize(
    ("train", "options", "error", "said"),
    [
        ([], {}, DataError, "There is no training graph"),
        ([(GRAPH, "a"), (GRAPH, "b")], {}, DataError, "The id 'v0' occurs twice, again as item 1 of 'train'"),
        ([(GRAPH, 3)], {}, OptionError, r"'train\[0\]\[1\]' must be a string or a sequence of strings"),
        ([(GRAPH, {})], {}, DataError, "must be a class such as 'drink'"),
        ([("graph", "a")], {}, OptionError, r"'train\[0\]\[0\]' must be a Data, got 'graph'"),
        (
            [(GRAPH, "a"), (moving(1), {0: "b"})],
            {},
            DataError,
            "'graph' and item 1 of 'train' one of 'track'",
        ),
        ([(GRAPH, {9: "a"})], {}, DataError, "a target for the track 9, which no node of its graph has"),
        ([(GRAPH, {(0, 99): "a"})], {}, DataError, r"a pair of nodes outside 0..9"),
        ([(GRAPH, "a")], {"classes": ["b"]}, OptionError, "'a' is missing"),
        ([(GRAPH, "a")], {"classes": ["a", "a"]}, OptionError, "must list each class once"),
        ([(GRAPH, ["a", "b"])], {"multi_label": False}, OptionError, "'multi_label' must be true or None"),
        ([(GRAPH, "a")], {"batch_size": 0}, OptionError, "'batch_size' must be a whole number of at least 1"),
    ],
)
def test_wrong_data_are_named(train, options, error, said):
    with pytest.raises(error, match=said):
        sg.ClassificationDataModule(train, **options)


def test_wrong_arguments_of_training_are_named(tmp_path):
    data = moving_data("graph", train=8)
    model = model_of(data)
    with pytest.raises(OptionError, match="'monitor' must be one of"):
        sg.train_classifier(model, data, tmp_path, monitor="val/CIDEr")
    with pytest.raises(OptionError, match="'patience' must be at least 1"):
        sg.train_classifier(model, data, tmp_path, patience=0)
    with pytest.raises(OptionError, match="'model' must classify the level 'graph'"):
        sg.train_classifier(sg.TrackClassifier(5, 2), data, tmp_path)
    with pytest.raises(OptionError, match="'classes' must be the model's 2, got 1"):
        ClassificationModule(model, ("a",))
    assert data.builder is BUILDER
