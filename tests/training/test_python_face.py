"""Training from Python: Lightning's own trainer, PyG's loader, and the recipe with callbacks, loggers and resume."""

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader
from torch_geometric.loader import DataLoader as GraphLoader

from stgraph import (
    CaptionCollator,
    CaptionDataModule,
    CaptioningModule,
    CaptionPipeline,
    STATCaptioner,
    STaTSCaptioner,
    STGraphCaptioner,
    VideoGraphBuilder,
    open_dataset,
    train_captioner,
)
from stgraph.errors import DataError, OptionError
from stgraph.training import LanguageLoss, TrainingSummary
from tests.models.test_captioning_model import Pooled

SMALL = {
    STGraphCaptioner: {"hidden_channels": 16, "num_heads": 2, "feedforward_channels": 16},
    STATCaptioner: {"stream_channels": 8, "attention_channels": 4, "word_channels": 8, "hidden_channels": 8},
    STaTSCaptioner: {
        "embedding_channels": 8,
        "attention_channels": 4,
        "word_channels": 8,
        "hidden_channels": 8,
    },
    Pooled: {},
}
QUIET = {"enable_progress_bar": False, "accelerator": "cpu", "enable_model_summary": False}


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("interactions", size="tiny")


def stored(dataset, **options):
    builder = VideoGraphBuilder(max_objects=5, score_threshold=0.5)
    return CaptionDataModule.from_dataset(dataset, builder=builder, **{"captions_per_epoch": 1, **options})


def listed(dataset):
    """The same videos as graphs and sentences."""
    data = stored(dataset)
    pairs = {
        split: [(data.source.batch([v])[0], data.corpus.captions(v)) for v in data.corpus.ids(split)[:12]]
        for split in ("train", "val", "test")
    }
    return CaptionDataModule(**pairs, builder=data.builder, captions_per_epoch=1)


def build(model, data, seed=0):
    L.seed_everything(seed, verbose=False)
    return model.for_data(data, **SMALL[model])


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.name)
@pytest.mark.parametrize("source", [stored, listed])
def test_every_system_runs_on_lightnings_own_trainer(dataset, tmp_path, model, source):
    data = source(dataset)
    module = CaptioningModule(build(model, data), data.tokenizer)
    trainer = L.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, default_root_dir=tmp_path, **QUIET
    )
    trainer.fit(module, data)
    assert 0 <= float(trainer.callback_metrics["val/CIDEr"]) <= 10
    (scores,) = trainer.test(module, data, verbose=False)
    assert {"test/BLEU-4", "test/METEOR", "test/CIDEr"} <= scores.keys()
    captions = [caption for batch in trainer.predict(module, data) for caption in batch]
    assert [caption.video_id for caption in captions] == data.corpus.ids("test")
    assert captions == CaptionPipeline(module.model, data.tokenizer, data.model_config(module.model))(
        [data.source.batch([video])[0] for video in data.corpus.ids("test")]
    )


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.name)
@pytest.mark.parametrize("use_buffers", [True, False])
def test_lightning_averages_the_weights_of_every_system(dataset, tmp_path, model, use_buffers):
    class Steps(L.Callback):
        def __init__(self):
            self.weights = []

        def on_train_batch_end(self, trainer, module, outputs, batch, index):
            self.weights.append([weight.detach().clone() for weight in module.parameters()])

    data, steps = stored(dataset, batch_size=16), Steps()
    module = CaptioningModule(build(model, data), data.tokenizer)
    average = EMAWeightAveraging(decay=0.75, use_buffers=use_buffers)
    trainer = L.Trainer(
        max_epochs=2, callbacks=[average, steps], logger=False, enable_checkpointing=False, limit_train_batches=3,
        limit_val_batches=1, default_root_dir=tmp_path, **QUIET,
    )  # fmt: skip
    trainer.fit(module, data)
    wanted = steps.weights[0]
    for after in steps.weights[1:]:
        wanted = [0.75 * mean + 0.25 * weight for mean, weight in zip(wanted, after, strict=True)]
    assert len(steps.weights) == 6
    for weight, mean in zip(module.parameters(), wanted, strict=True):
        torch.testing.assert_close(weight, mean)


def test_a_plain_trainer_meets_another_order_in_each_epoch(dataset, tmp_path):
    class Orders(L.Callback):
        def __init__(self):
            self.seen = {}

        def on_train_batch_start(self, trainer, module, batch, index):
            self.seen.setdefault(trainer.current_epoch, []).append(batch.video_ids)

    data, orders = stored(dataset, batch_size=16), Orders()
    module = CaptioningModule(build(Pooled, data), data.tokenizer)
    L.Trainer(
        max_epochs=2, callbacks=[orders], logger=False, enable_checkpointing=False, limit_val_batches=0,
        default_root_dir=tmp_path, **QUIET,
    ).fit(module, data)  # fmt: skip
    assert orders.seen[0] != orders.seen[1]
    assert sum(map(len, orders.seen[0])) == sum(map(len, orders.seen[1])) == len(data.corpus.ids("train"))


def items(dataset, split, count):
    data = stored(dataset)
    graphs = []
    for video in data.corpus.ids(split)[:count]:
        graph = data.source.batch([video])[0]
        graph.captions = data.corpus.captions(video)[:2]
        graphs.append(graph)
    return data, graphs


@pytest.mark.parametrize("kind", ["pyg", "torch"])
def test_other_loaders_are_taken(dataset, tmp_path, kind):
    data, graphs = items(dataset, "train", 8)
    _, held_out = items(dataset, "val", 4)
    if kind == "pyg":
        loader, val = GraphLoader(graphs, batch_size=4), GraphLoader(held_out, batch_size=2)
    else:
        collate = CaptionCollator(data.tokenizer)
        loader = DataLoader(graphs, batch_size=4, collate_fn=collate)
        val = DataLoader(held_out, batch_size=2, collate_fn=collate)
    module = CaptioningModule(build(STGraphCaptioner, data), data.tokenizer)
    trainer = L.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, default_root_dir=tmp_path, **QUIET
    )
    trainer.fit(module, loader, val)
    assert trainer.global_step == 2
    assert "val/CIDEr" in trainer.callback_metrics


def test_graphs_without_captions_are_refused_in_one_sentence(dataset, tmp_path):
    data, graphs = items(dataset, "train", 2)
    for graph in graphs:
        del graph.captions
    module = CaptioningModule(build(Pooled, data), data.tokenizer)
    trainer = L.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, default_root_dir=tmp_path, **QUIET
    )
    with pytest.raises(DataError, match="graphs of a PyG batch must have 'captions'"):
        trainer.fit(module, GraphLoader(graphs, batch_size=2))


def test_a_tokenizer_of_another_model_is_refused(dataset):
    data = stored(dataset)
    model = build(Pooled, data)
    with pytest.raises(OptionError, match="'tokenizer' must have the model's"):
        CaptioningModule(model, stored(dataset, min_count=50).tokenizer)


def test_the_recipe_takes_callbacks_and_loggers_and_leaves_a_model_folder(dataset, tmp_path):
    class Counts(L.Callback):
        epochs = 0

        def on_train_epoch_end(self, trainer, module):
            self.epochs += 1

    data, counts = stored(dataset), Counts()
    captioner = train_captioner(
        build(STGraphCaptioner, data), data, tmp_path / "run", max_epochs=2, callbacks=[counts],
        logger=CSVLogger(tmp_path / "other"), **QUIET,
    )  # fmt: skip
    assert counts.epochs == 2
    assert list((tmp_path / "other").rglob("metrics.csv"))
    assert list((tmp_path / "run" / "log").rglob("metrics.csv"))
    summary = TrainingSummary.load(tmp_path / "run")
    assert summary.epochs == 2
    assert summary.best is not None
    again = CaptionPipeline.from_pretrained(tmp_path / "run")
    graph = data.source.batch(data.corpus.ids("test")[:1])[0]
    assert again(graph) == captioner(graph)
    assert again.config.graph == data.builder.config
    assert (again.config.num_frames, again.config.data.name) == (10, dataset.name)


def test_the_saved_builder_is_that_of_the_data(dataset, tmp_path):
    """A model trained on other graphs than the default came back with the default ones."""
    builder = VideoGraphBuilder.dense(max_objects=3, score_threshold=0.2)
    data = CaptionDataModule.from_dataset(dataset, builder=builder, num_frames=4, captions_per_epoch=1)
    train_captioner(build(STGraphCaptioner, data), data, tmp_path, max_epochs=1, **QUIET)
    again = CaptionPipeline.from_pretrained(tmp_path)
    assert again.builder.config == builder.config
    assert (again.config.num_frames, again.config.sampling) == (4, "spread")


def test_frames_are_sampled_for_use_as_they_were_for_training(dataset, tmp_path):
    sampling = {"num_frames": 4, "sampling": "chunks"}
    data = CaptionDataModule.from_dataset(dataset, captions_per_epoch=1, cache=True, **sampling)
    train_captioner(build(STATCaptioner, data), data, tmp_path, max_epochs=1, **QUIET)
    again = CaptionPipeline.from_pretrained(tmp_path)
    assert again.config.sampling == "chunks"
    ids = data.corpus.ids("test")[:2]
    graphs = data.source.batch(ids)
    videos = [dataset.store[video] for video in ids]
    for row, video in enumerate(videos):
        assert torch.equal(graphs[row].appearance, video.appearance[[0, 3, 6, 8]])  # of ten frames
        assert torch.equal(graphs[row].motion, video.sample(4, "chunks").motion_of_frames("chunks"))
    assert list(again.caption_all(videos)) == [again(graph) for graph in graphs.to_data_list()]


class Stop(Exception):
    """A kill."""


class KillAfter(L.Callback):
    def __init__(self, steps):
        self.steps = steps

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.steps:
            raise Stop


def test_a_killed_run_resumes_to_the_same_bits_from_python(dataset, tmp_path):
    options = {"max_epochs": 2, "resume_every": 1, **QUIET}
    loaders = {"batch_size": 16}
    whole = stored(dataset, **loaders)
    train_captioner(build(STGraphCaptioner, whole), whole, tmp_path / "whole", **options)
    data = stored(dataset, **loaders)
    with pytest.raises(Stop):
        train_captioner(
            build(STGraphCaptioner, data), data, tmp_path / "killed", callbacks=KillAfter(5), **options
        )
    data = stored(dataset, **loaders)
    with pytest.raises(OptionError, match="holds a run already"):
        train_captioner(build(STGraphCaptioner, data), data, tmp_path / "killed", **options)
    train_captioner(build(STGraphCaptioner, data, seed=9), data, tmp_path / "killed", resume=True, **options)
    first, second = (
        CaptionPipeline.from_pretrained(tmp_path / name).model.state_dict() for name in ("whole", "killed")
    )
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize(
    "options", [{"max_steps": 3, "max_epochs": -1}, {"max_epochs": 1, "check_val_every_n_epoch": 5}]
)
def test_a_run_that_ends_before_its_first_validation_leaves_its_last_weights(dataset, tmp_path, options):
    data = stored(dataset, batch_size=8)
    train_captioner(build(Pooled, data), data, tmp_path, patience=2, **options, **QUIET)
    assert TrainingSummary.load(tmp_path).best is None
    assert (tmp_path / "model.safetensors").is_file()


def test_resuming_at_the_end_of_an_epoch_ends_well(dataset, tmp_path):
    data = stored(dataset)
    train_captioner(build(STGraphCaptioner, data), data, tmp_path, max_epochs=1, patience=2, **QUIET)
    data = stored(dataset)
    train_captioner(
        build(STGraphCaptioner, data), data, tmp_path, max_epochs=1, patience=2, resume=True, **QUIET
    )
    assert (tmp_path / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"limit_val_batches": 2}, "'trainer.limit_val_batches' is set by stgraph, as the best weights"),
        ({"overfit_batches": 2}, "'trainer.overfit_batches' is set by stgraph"),
        ({"precision": "64"}, "'trainer.precision' must be one of"),
        ({"monitor": "val/BLEU"}, "'monitor' must be one of"),
        ({"monitor": "val/loss"}, "the loss only with validation_captions=True"),
    ],
)
def test_what_would_break_the_recipe_is_refused(dataset, tmp_path, options, named):
    data = stored(dataset)
    with pytest.raises(OptionError, match=named):
        train_captioner(build(Pooled, data), data, tmp_path, **options)


def test_a_model_of_ones_own_has_the_language_loss(dataset):
    data = stored(dataset)
    module = CaptioningModule(build(Pooled, data), data.tokenizer)
    assert isinstance(module.loss, LanguageLoss)
    batch = next(iter(data.train_dataloader()))
    module.eval()
    terms = module.loss(module.model, batch)
    logits = module(batch.graphs, batch.tokens[:, :-1], batch.video)["pooled"]
    expected = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.tokens[:, 1:].flatten(), ignore_index=0
    )
    torch.testing.assert_close(terms["loss"], expected)
