from dataclasses import replace

import pytest
import torch

from stgraph import VideoGraphBuilder
from stgraph.datasets import (
    CaptionCorpus,
    CaptionDataModule,
    GraphSource,
    VideoCaptions,
    graphs_of,
    open_dataset,
)
from stgraph.errors import DataError
from stgraph.text import CaptionTokenizer


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("interactions", size="tiny")


def module(dataset, cache=False, **options):
    tokenizer = CaptionTokenizer.from_captions(
        c for v in dataset.corpus.ids("train") for c in dataset.corpus.captions(v)
    )
    source = GraphSource(dataset.store, VideoGraphBuilder(), 10, cache=cache)
    return CaptionDataModule(source, dataset.corpus, tokenizer, **{"batch_size": 24, **options})


def test_a_batch_holds_each_video_once_and_the_tokens_of_its_captions(dataset):
    data = module(dataset, captions_per_video=3)
    seen = set()
    for batch in data.train_dataloader():
        assert len(set(batch.video_ids)) == len(batch.video_ids) == batch.graphs.num_graphs
        assert (batch.tokens[:, -1] != 0).any()  # no longer than its longest caption
        texts = data.tokenizer.decode(batch.tokens[:, 1:])
        for text, video in zip(texts, batch.video.tolist(), strict=True):
            assert text in dataset.corpus.captions(batch.video_ids[video])
            seen.add((batch.video_ids[video], text))
    assert seen == {(v, c) for v in dataset.corpus.ids("train") for c in dataset.corpus.captions(v)}


def test_graphs_of_a_batch_are_those_of_the_videos_alone(dataset):
    data = module(dataset, cache=True)
    for batch in (
        next(iter(data.train_dataloader())),
        next(iter(data.train_dataloader())),
    ):  # read, then cached
        alone = graphs_of([dataset.store[batch.video_ids[2]]], VideoGraphBuilder(), 10)
        one = batch.graphs[2]
        for name in ("x", "edge_index", "edge_weight", "frame", "appearance", "motion"):
            torch.testing.assert_close(one[name], alone[name])


def test_workers_give_the_same_batches(dataset):
    here, there = (list(module(dataset, num_workers=n).train_dataloader()) for n in (0, 1))
    assert all(
        torch.equal(a.tokens, b.tokens) and torch.equal(a.graphs.x, b.graphs.x)
        for a, b in zip(here, there, strict=True)
    )


def test_validation_takes_each_video_once_in_order(dataset):
    batches = list(module(dataset).val_dataloader())
    assert [video for batch in batches for video in batch.video_ids] == dataset.corpus.ids("val")


def test_mean_pooled_frames_are_those_of_the_sampled_frames(dataset):
    source = module(dataset).source
    name = dataset.store.ids[0]
    torch.testing.assert_close(source.pooled_appearance(name), dataset.store[name].appearance.mean(0))
    source.video = lambda video_id: replace(dataset.store[video_id], appearance=None)
    with pytest.raises(DataError, match="has no 'appearance' features to average"):
        source.pooled_appearance(name)


def test_a_corpus_without_training_videos_is_named(dataset):
    corpus = CaptionCorpus({dataset.store.ids[0]: VideoCaptions("test", ("a dog runs",))})
    with pytest.raises(DataError, match="no training videos"):
        CaptionDataModule(GraphSource(dataset.store, VideoGraphBuilder()), corpus, tokenizer=None)
