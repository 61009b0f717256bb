import json

import pytest

from stgraph.datasets import read_msrvtt_captions
from stgraph.errors import DataError, OptionError

INFO = {
    "info": {"version": "1"},
    "videos": [
        {"video_id": "video0", "split": "train", "category": 9, "url": "x", "start time": 1.0},
        {"video_id": "video1", "split": "validate"},
        {"video_id": "video2", "split": "test", "category": 0},
    ],
    "sentences": [
        {"sen_id": 0, "video_id": "video2", "caption": "a cat"},
        {"sen_id": 1, "video_id": "video0", "caption": "a car is shown"},
        {"sen_id": 2, "video_id": "video1", "caption": "a man"},
        {"sen_id": 3, "video_id": "video2", "caption": "one cat"},
    ],
}


@pytest.fixture
def put(tmp_path):
    def write(name, content):
        (tmp_path / name).write_text(json.dumps(content))
        return tmp_path / name

    return write


def test_videodatainfo(put):
    corpus = read_msrvtt_captions(put("all.json", INFO))
    assert [corpus[video].split for video in corpus.ids()] == ["train", "val", "test"]
    assert [corpus[video].category for video in corpus.ids()] == ["9", None, "0"]
    assert corpus.captions("video2") == ["a cat", "one cat"]


def test_two_files_make_one_corpus(put):
    test = {"videos": INFO["videos"][2:], "sentences": [INFO["sentences"][0]]}
    rest = {"videos": INFO["videos"][:2], "sentences": INFO["sentences"][1:3]}
    corpus = read_msrvtt_captions([put("train_val.json", rest), put("test.json", test)])
    assert corpus.references("test") == {"video2": ["a cat"]}
    assert corpus.ids("train") == ["video0"]


def test_captions_by_id_take_the_split_of_their_file(put):
    paths = {
        "validation": put("val.json", {"video1": {"17": "a man", "2": "men"}}),
        "test": put("test.json", {"video2": ["a cat"]}),
    }
    corpus = read_msrvtt_captions(paths)
    assert corpus.references("val") == {"video1": ["a man", "men"]}
    assert corpus.references("test") == {"video2": ["a cat"]}


def test_other_splits_than_the_files(put):
    splits = {"train": ["video0", "video1"], "test": ["video2"]}
    corpus = read_msrvtt_captions(put("all.json", INFO), splits)
    assert corpus.ids("train") == ["video0", "video1"]
    corpus = read_msrvtt_captions(
        put("map.json", {"video0": ["a"], "video1": ["b"], "video2": ["c"]}), splits
    )
    assert corpus.ids("test") == ["video2"]


def test_ids_that_do_not_match(put):
    lonely = {**INFO, "sentences": [*INFO["sentences"], {"video_id": "video7", "caption": "a dog"}]}
    with pytest.raises(DataError, match="1 have captions but no split: video7"):
        read_msrvtt_captions(put("all.json", lonely))
    silent = {**INFO, "sentences": INFO["sentences"][:2]}
    with pytest.raises(DataError, match="1 have a split but no captions: video1"):
        read_msrvtt_captions(put("all.json", silent))
    with pytest.warns(UserWarning, match="video1"):
        assert read_msrvtt_captions(put("all.json", silent), common=True).ids() == ["video0", "video2"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "contains no captions"),
        (
            {"video0": {"1": 2}},
            "the top level is an object with the keys 'video0', whose values are objects, .*known are",
        ),
        ({**INFO, "videos": {}}, "'videos' must be a list"),
        (
            {**INFO, "videos": [{"video_id": "video0"}]},
            "entry 0 of 'videos' must have the strings video_id and split",
        ),
        ({**INFO, "sentences": [{"video_id": "video0", "caption": None}]}, "entry 0 of 'sentences'"),
        ({**INFO, "videos": [*INFO["videos"], INFO["videos"][0]]}, "lists 'video0' twice"),
    ],
)
def test_other_layouts_are_named(put, content, words):
    with pytest.raises(DataError, match=words):
        read_msrvtt_captions(put("x.json", content), {"train": ["video0"]})


def test_splits_that_contradict_or_lack(put):
    path = put("map.json", {"video1": ["a man"]})
    with pytest.raises(DataError, match="map.json contains no splits"):
        read_msrvtt_captions(path)
    with pytest.raises(DataError, match="was given as 'val' but has 'train' for 'video0', 'video2'"):
        read_msrvtt_captions({"val": put("all.json", INFO)})
    with pytest.raises(OptionError, match="got 'dev'"):
        read_msrvtt_captions({"dev": path})
    with pytest.raises(DataError, match="has captions of 'video1', like an earlier file"):
        read_msrvtt_captions({"val": path, "test": path})
