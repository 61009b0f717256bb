"""Each data set by name, on small files in the layouts that people have."""

import json
import warnings

import pytest

from stgraph.datasets import CaptionCorpus, VideoCaptions, open_dataset
from stgraph.datasets.registry import DATASETS
from stgraph.errors import DataError, MissingDataError, OptionError
from tests.features.store.samples import random_video, write

UNPUBLISHED = "ignore:This ms.* is not the published one"


@pytest.fixture
def put(tmp_path):
    """Ids or content -> the path of a store or a file as text, as configurations hold it."""

    def make(name, content):
        path = tmp_path / name
        if path.suffix == ".h5":
            write(path, [random_video(seed, counts=(1,), name=each) for seed, each in enumerate(content)])
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    return make


def splits_of(dataset):
    return {video: dataset.corpus[video].split for video in dataset.corpus.ids()}


@pytest.fixture
def msvd(put):
    ids = ["vid1200", "vid1201", "vid1301", "vid5"]
    lines = "".join(f"{name} a dog in {name}\n" for name in ids[:3])
    return {"store": put("store.h5", ids), "captions": put("AllVideoDescriptions.txt", lines)}


@pytest.mark.filterwarnings(UNPUBLISHED)
def test_msvd(msvd, put):
    dataset = open_dataset("msvd", **msvd)
    assert splits_of(dataset) == {"vid1200": "train", "vid1201": "val", "vid1301": "test"}
    assert (dataset.name, dataset.uncaptioned) == ("msvd", ("vid5",))
    others = put("splits.json", {"train": ["vid1201", "vid1301"], "test": ["vid1200"]})
    assert splits_of(open_dataset("msvd", **msvd, splits=others))["vid1200"] == "test"


@pytest.mark.filterwarnings(UNPUBLISHED)
def test_msvd_under_its_other_names(put):
    captions = put("captions.json", {"-4wsuPCjDBc_5_15": ["a squirrel"], "zzit5b_-ukg_5_20": ["a man"]})
    splits = put("splits.json", {"-4wsuPCjDBc_5_15": "train", "zzit5b_-ukg_5_20": "test"})
    names = put("youtube_mapping.txt", "-4wsuPCjDBc_5_15 vid1\nzzit5b_-ukg_5_20 vid1970\n")
    store = put("store.h5", ["vid1970", "vid1"])
    with pytest.raises(
        DataError, match="'-4wsuPCjDBc_5_15', 'zzit5b_-ukg_5_20' have captions but no features"
    ):
        open_dataset("msvd", store=store, captions=captions, splits=splits)
    dataset = open_dataset("msvd", store=store, captions=captions, splits=splits, names=names)
    assert splits_of(dataset) == {"vid1": "train", "vid1970": "test"}
    assert dataset.corpus.captions("vid1970") == ["a man"]


def test_a_corpus_of_other_counts_is_not_taken_for_the_published_one(msvd):
    with pytest.warns(
        UserWarning, match="This msvd is not the published one .train: 1 videos, published 1,200"
    ):
        open_dataset("msvd", **msvd)


def test_msvd_as_published_is_opened_in_silence(put):
    splits = {"train": (1200, 48774), "val": (100, 4290), "test": (670, 27763)}
    captions, number = {}, 0
    for videos, count in splits.values():
        for place in range(videos):
            number += 1
            captions[f"vid{number}"] = ["a dog"] * (count // videos + (place < count % videos))
    store = put("store.h5", captions)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = open_dataset("msvd", store=store, captions=put("captions.json", captions))
    assert [len(dataset.corpus.ids(split)) for split in splits] == [1200, 100, 670]


@pytest.mark.filterwarnings(UNPUBLISHED)
def test_msrvtt(put):
    store = put("store.h5", ["video3", "video6600", "video9000", "video9001"])
    val, test = put("val.json", {"video6600": {"17": "a man"}}), put("test.json", {"video9000": ["a car"]})
    dataset = open_dataset("msrvtt", store=store, captions={"val": val, "test": test})
    assert splits_of(dataset) == {"video6600": "val", "video9000": "test"}
    assert (dataset.name, dataset.uncaptioned) == ("msrvtt", ("video3", "video9001"))
    assert splits_of(
        open_dataset("msrvtt", store=store, captions=[val, test], splits="official")
    ) == splits_of(dataset)
    info = {
        "videos": [{"video_id": "video3", "split": "train", "category": 4}],
        "sentences": [{"video_id": "video3", "caption": "a dog"}],
    }
    dataset = open_dataset("msrvtt", store=store, captions=put("train.json", info))
    assert (splits_of(dataset), dataset.corpus["video3"].category) == ({"video3": "train"}, "4")
    with pytest.raises(DataError, match=r"val\.json contains no splits; .*official"):
        open_dataset("msrvtt", store=store, captions=val)


@pytest.mark.filterwarnings(UNPUBLISHED)
@pytest.mark.parametrize("name", ["msvd", "msrvtt", "folder"])
def test_ids_that_only_one_side_knows(name, put):
    """Captions of one video have no split, a split no captions, captions no features."""
    store = put("store.h5", ["a", "b", "z"])
    captions = put("captions.json", {"a": ["one"], "b": ["two"], "c": ["three"], "d": ["four"]})
    splits = put("splits.json", {"train": ["a", "c"], "test": ["b", "e"]})
    given = {"store": store, "captions": captions, "splits": splits}
    with pytest.raises(DataError, match="1 have captions but no split: d; 1 have a split but no captions: e"):
        open_dataset(name, **given)
    with pytest.warns(UserWarning, match="Left out of") as seen:
        dataset = open_dataset(name, **given, common=True)
    said = "\n".join(str(warning.message) for warning in seen)
    assert "1 have captions but no split: d; 1 have a split but no captions: e" in said
    assert "1 have captions but no features: c" in said
    assert (splits_of(dataset), dataset.uncaptioned) == ({"a": "train", "b": "test"}, ("z",))


def test_folder_takes_the_splits_that_are_given_and_else_draws_them(put):
    ids = [f"clip{number}" for number in range(40)]
    store = put("home.h5", [*ids, "silent"])
    rows = [f"{name}.mp4,something happens in {name}" for name in ids]
    plain = put("plain.csv", "\n".join(["video,caption", *rows]))
    dataset = open_dataset("folder", store=store, captions=plain, val_share=0.2, test_share=0.3)
    assert (dataset.name, dataset.uncaptioned, len(dataset.corpus)) == ("home", ("silent",), 40)
    assert set(splits_of(dataset).values()) == {"train", "val", "test"}
    again = open_dataset("folder", store=store, captions=plain, val_share=0.2, test_share=0.3)
    assert splits_of(again) == splits_of(dataset)
    other = open_dataset("folder", store=store, captions=plain, val_share=0.2, test_share=0.3, seed=1)
    assert splits_of(other) != splits_of(dataset)
    own = put(
        "own.csv",
        "\n".join(
            ["video,caption,split", *(f"{row},{'train' if i else 'test'}" for i, row in enumerate(rows))]
        ),
    )
    assert open_dataset("folder", store=store, captions=own).corpus.ids("test") == ["clip0"]
    lists = {"train": put("train.txt", "\n".join(ids[1:])), "val": put("val.txt", "clip0")}
    assert open_dataset("folder", store=store, captions=own, splits=lists).corpus.ids("val") == ["clip0"]


def test_folder_and_store_read_the_same_captions_json(put, tmp_path):
    store = put("store.h5", ["a", "b"])
    corpus = CaptionCorpus(
        {"a": VideoCaptions("train", ("a dog", "the dog"), "pets"), "b": VideoCaptions("test", ("a cat",))}
    )
    corpus.save(tmp_path / "captions.json")
    captions = str(tmp_path / "captions.json")
    for name in ("folder", "store"):
        opened = open_dataset(name, store=store, captions=captions).corpus
        assert {video: opened[video] for video in opened.ids()} == {video: corpus[video] for video in "ab"}


def test_unknown_data_sets_and_arguments_are_named(put):
    with pytest.raises(
        OptionError, match=r"'data.dataset.name' must be one of \['folder', .*'store'\], got 'msvdd'"
    ):
        open_dataset("msvdd")
    assert set(DATASETS) == {"folder", "interactions", "msrvtt", "msvd", "store"}
    with pytest.raises(OptionError, match="Data set 'store': .*captions"):
        open_dataset("store", store="x.h5")
    with pytest.raises(OptionError, match="Data set 'msvd': .*'split'"):
        open_dataset("msvd", store="x.h5", captions="c.json", split="official")
    with pytest.raises(MissingDataError, match=r"x\.h5"):
        open_dataset(
            "folder", store="x.h5", captions=put("captions.json", {"a": {"captions": ["b"], "split": "val"}})
        )
