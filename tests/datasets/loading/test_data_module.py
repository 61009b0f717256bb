from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from stgraph import VideoGraph, VideoGraphBuilder
from stgraph.datasets import (
    CaptionCorpus,
    CaptionDataModule,
    StoredGraphs,
    VideoCaptions,
    open_dataset,
)
from stgraph.errors import DataError, OptionError
from stgraph.features.store import FeatureStore
from stgraph.graph import graphs_of
from stgraph.text import CaptionTokenizer
from tests.features.store.samples import random_video, write


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("interactions", size="tiny")


def module(dataset, cache=False, **options):
    tokenizer = CaptionTokenizer.from_captions(
        c for v in dataset.corpus.ids("train") for c in dataset.corpus.captions(v)
    )
    source = StoredGraphs(dataset.store, VideoGraphBuilder(), 10, cache=cache)
    return CaptionDataModule.from_source(
        source, dataset.corpus, tokenizer=tokenizer, **{"batch_size": 24, **options}
    )


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


def trainer(rank=0, world_size=1, **options):
    """What the data module reads off Lightning's trainer."""
    loops = SimpleNamespace(restarting=False)
    defaults = {"current_epoch": 2, "accumulate_grad_batches": 1, "limit_train_batches": 1.0}
    return SimpleNamespace(global_rank=rank, world_size=world_size, fit_loop=loops, **{**defaults, **options})


def loaded(dataset, which, rank=0, world_size=1, accumulate=1, **options):
    data = module(dataset, **options)
    data.trainer = trainer(rank, world_size, accumulate_grad_batches=accumulate)
    return list(getattr(data, which)())


def said(data, batch):
    texts = data.tokenizer.decode(batch.tokens[:, 1:])
    return [(batch.video_ids[row], text) for row, text in zip(batch.video.tolist(), texts, strict=True)]


@pytest.mark.parametrize("batch_size", [24, 59])
def test_batches_of_several_processes_hold_the_pairs_of_one(dataset, batch_size):
    data, options = module(dataset), {"captions_per_epoch": 1, "batch_size": batch_size}
    alone = loaded(dataset, "train_dataloader", **options)
    shares = [loaded(dataset, "train_dataloader", rank, 3, **options) for rank in range(3)]
    for whole, *parts in zip(alone, *shares, strict=True):
        pairs = [pair for part in parts if part.owned.any() for pair in said(data, part)]
        assert sorted(pairs) == sorted(said(data, whole))
        assert {part.totals for part in parts} == {whole.totals}
    assert not shares[2][-1].owned.any() or batch_size == 24  # one pair is left for three processes
    assert not shares[2][-1].tokens.any() or batch_size == 24


def test_totals_are_those_of_the_batches_that_are_made(dataset):
    batches = loaded(dataset, "train_dataloader", accumulate=2, captions_per_epoch=1, batch_size=13)
    assert len(batches) == 5
    for start in range(0, 5, 2):
        step = batches[start : start + 2]
        for batch in step:
            assert batch.totals.tokens == sum(int((other.tokens[:, 1:] != 0).sum()) for other in step)
            assert batch.totals.frames == sum(int(other.graphs.num_frames.sum()) for other in step)
            assert batch.totals.batch_pairs == len(batch.tokens)
            assert batch.totals.batches == len(step)


def test_a_step_ends_where_training_is_cut_off(dataset):
    data = module(dataset, captions_per_epoch=1, batch_size=13)
    for limit, end in ((3, 3), (0.65, 3), (1.0, 5), (9, 5)):
        data.trainer = trainer(accumulate_grad_batches=2, limit_train_batches=limit)
        assert data.num_batches(0) == end
        data.train_dataloader()
        expected = [2, 2, 1] if end == 3 else [2, 2, 2, 2, 1]
        assert [share.totals.batches for share in data.shards(0)[:end]] == expected


@pytest.mark.parametrize("world_size", [2, 3, 12])
def test_validation_videos_are_dealt_out_once_each(dataset, world_size):
    by_rank = [loaded(dataset, "val_dataloader", rank, world_size) for rank in range(world_size)]
    assert {len(batches) for batches in by_rank} == {1}  # processes wait for each other at each batch
    found = [video for batches in by_rank for batch in batches for video in batch.video_ids]
    assert sorted(found) == dataset.corpus.ids("val")
    assert bool([batches for batches in by_rank if not batches[0].video_ids]) == (world_size == 12)


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
        CaptionDataModule.from_source(StoredGraphs(dataset.store, VideoGraphBuilder()), corpus)


def test_only_the_streams_that_are_asked_for_are_read(tmp_path):
    """A grid travels with its graphs; videos of a store without boxes have no nodes."""
    videos = [random_video(seed, counts) for seed, counts in enumerate([(2, 0, 3), (0, 0), (1,)])]
    store = FeatureStore(write(tmp_path / "s.h5", videos))
    source = StoredGraphs(
        store, VideoGraphBuilder(), 10, streams=["grid/cells", "motion"], categories={"video1": 4}
    )
    read = source.video("video0")
    assert (read.appearance, read.detections, [*read.grids]) == (None, None, ["cells"])
    batch = source.batch(["video0", "video1", "video2"])
    assert batch.num_nodes == 0
    assert sorted({"appearance", "motion", "grid/cells", "category"} & {*batch.keys()}) == [
        "category", "grid/cells", "motion"
    ]  # fmt: skip
    assert batch.category.tolist() == [-1, 4, -1]
    expected = torch.cat([video.grid_of_frames("cells") for video in videos])
    assert torch.equal(batch["grid/cells"], expected)
    assert torch.equal(batch[1]["grid/cells"], videos[1].grid_of_frames("cells"))
    with pytest.raises(DataError, match="Video 'video0' has no grid 'other'"):
        graphs_of([store["video0"]], VideoGraphBuilder(), grids=["other"])
    everything = StoredGraphs(store, VideoGraphBuilder(), 10).batch(["video0"])
    assert "appearance" in everything
    assert "grid/cells" not in everything


def test_validation_batches_hold_all_captions_where_they_are_wanted(dataset):
    assert all(not batch.tokens.numel() for batch in module(dataset).val_dataloader())
    data = module(dataset, validation_captions=True)
    (batch,) = data.val_dataloader()
    expected = [
        (video, text) for video in dataset.corpus.ids("val") for text in dataset.corpus.captions(video)
    ]
    assert said(data, batch) == expected
    parts = list(batch.split(7))
    assert [len(part.tokens) for part in parts[:-1]] == [7] * (len(parts) - 1)
    assert [pair for part in parts for pair in said(data, part)] == expected
    for part in parts:
        assert list(part.graphs.video_id) == part.video_ids
        assert sorted({*part.video.tolist()}) == [*range(len(part.video_ids))]


def test_categories_are_numbered_by_those_of_the_training_split():
    def entry(split, category):
        return VideoCaptions(split, ("a dog runs",), category)

    corpus = CaptionCorpus(
        {
            "a": entry("train", "pets"),
            "b": entry("train", "cars"),
            "c": entry("train", None),
            "d": entry("test", "news"),
            "e": entry("test", "pets"),
        }
    )
    assert corpus.categories("train") == ("cars", "pets")
    assert corpus.category_numbers(("cars", "pets")) == {"a": 1, "b": 0, "e": 1}


def test_long_captions_are_dropped_or_cut():
    """STAT's released code keeps captions of fewer words than the limit."""
    store = [(f"v{n}", "train" if n < 3 else "val") for n in range(5)]
    texts = {
        "v0": ["a dog runs", "a dog runs to the red box"],
        "v1": ["one two three four five six"],
        "v2": ["a cat sleeps, well"],
        "v3": ["a dog runs", "this is a sentence of seven words"],
        "v4": ["this one is also far too long"],
    }
    graph = VideoGraph(
        torch.ones(1, 2),
        torch.zeros(2, 0).long(),
        edge_weight=torch.zeros(0),
        frame=torch.tensor([0]),
        num_frames=1,
    )
    pairs = {split: [(VideoGraph(**{**graph.to_dict(), "video_id": name}), texts[name]) for name, of in store if of == split]
             for split in ("train", "val")}  # fmt: skip
    options = {"max_length": 5, "validation_captions": True}
    cut = CaptionDataModule(**pairs, **options)
    assert sum(len(batch.tokens) for batch in cut.train_dataloader()) == 4
    dropped = CaptionDataModule(**pairs, **options, long_captions="drop")
    (batch,) = dropped.train_dataloader()
    assert sorted(dropped.tokenizer.decode(batch.tokens)) == ["a cat sleeps well", "a dog runs"]
    assert "six" not in dropped.tokenizer.words
    (batch,) = dropped.val_dataloader()
    assert (batch.video_ids, batch.video.tolist()) == (["v3", "v4"], [0])
    assert dropped.references("val")["v4"] == texts["v4"]  # captions are still scored against all
    with pytest.raises(OptionError, match="'long_captions' must be one of .* got 'keep'"):
        CaptionDataModule(**pairs, long_captions="keep")
    with pytest.raises(DataError, match="Every training caption has 2 words or more; raise 'max_length'"):
        CaptionDataModule(**pairs, max_length=2, long_captions="drop")


def test_the_vocabulary_can_be_capped():
    captions = ["a dog runs", "a dog sits", "a cat sits"]
    kept = CaptionTokenizer.from_captions(captions, max_vocabulary=3).words
    assert kept[4:] == ("a", "dog", "sits")
    assert len(CaptionTokenizer.from_captions(captions).words) == 9
    with pytest.raises(OptionError, match="'max_vocabulary' must be at least 1, got 0"):
        CaptionTokenizer.from_captions(captions, max_vocabulary=0)
