import json

import pytest

from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.errors import DataError, MissingDataError, OptionError, UnknownVideoError

CONTENT = {
    "v2": {"split": "train", "category": "sport", "captions": ["a dog runs", 'a "dog"\nis running']},
    "v10": {"split": "train", "category": None, "captions": ["ein Hündchen"]},
    "v1": {"split": "test", "captions": ["a cat"], "file": "v1.mp4"},
}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "captions.json").write_text(json.dumps(CONTENT), encoding="utf-8")
    return tmp_path / "captions.json"


def test_what_a_corpus_holds(path):
    corpus = CaptionCorpus.load(path)
    assert corpus.ids() == ["v1", "v10", "v2"]
    assert corpus.ids("train") == ["v10", "v2"]
    assert corpus.ids("val") == []
    assert corpus.splits == ("train", "test")
    assert corpus.captions("v2") == ["a dog runs", 'a "dog"\nis running']
    assert corpus.references("test") == {"v1": ["a cat"]}
    assert (corpus["v2"].category, corpus["v1"].category) == ("sport", None)
    assert len(corpus) == 3
    assert "v1" in corpus
    assert "v3" not in corpus


def test_callers_cannot_change_it(path):
    corpus = CaptionCorpus.load(path)
    corpus.captions("v1").append("x")
    corpus.references("test")["v1"].append("x")
    assert corpus.captions("v1") == ["a cat"]


def test_saved_and_loaded(path, tmp_path):
    CaptionCorpus.load(path).save(tmp_path / "again.json")
    again = CaptionCorpus.load(tmp_path / "again.json")
    assert [again[video] for video in again.ids()] == [
        CaptionCorpus.load(path)[video] for video in again.ids()
    ]
    assert "Hündchen" in (tmp_path / "again.json").read_text(encoding="utf-8")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.json", "captions.json"]


def test_unknown_video_and_split(path):
    corpus = CaptionCorpus.load(path)
    with pytest.raises(UnknownVideoError, match="No captions of video 'v11'; the nearest id is 'v1"):
        corpus.captions("v11")
    with pytest.raises(OptionError, match=r"'split' must be one of \('train', 'val', 'test'\), got 'dev'"):
        corpus.references("dev")


@pytest.mark.parametrize(
    ("entry", "error", "words"),
    [
        ({"split": "dev", "captions": ["a"]}, OptionError, "Video 'v7' has split 'dev'; it must be one of"),
        ({"split": ["train"], "captions": ["a"]}, OptionError, "Video 'v7' has split"),
        ({"split": "train", "captions": []}, DataError, "Video 'v7' has no captions; give it at least one"),
        (
            {"split": "train", "captions": ["a", " \n"]},
            DataError,
            "Video 'v7': caption 1 must be a string with words",
        ),
        (
            {"split": "train", "captions": ["a", 3]},
            DataError,
            "Video 'v7': caption 1 must be a string with words, got 3",
        ),
        (
            {"split": "train", "captions": "a dog"},
            DataError,
            "Video 'v7' must have a 'split' and a list of 'captions'",
        ),
        ({"captions": ["a"]}, DataError, "Video 'v7' must have a 'split'"),
        ("a\nb", DataError, r"Video 'v7' must have a 'split' .* got a\\nb; correct it"),
        (["a dog"], DataError, "Video 'v7' must have a 'split'"),
        (
            {"split": "train", "captions": ["a"], "category": 3},
            DataError,
            "Video 'v7': 'category' must be a string",
        ),
    ],
)
def test_entry_that_cannot_be_names_its_video(path, entry, error, words):
    path.write_text(json.dumps(CONTENT | {"v7": entry}))
    with pytest.raises(error, match=words):
        CaptionCorpus.load(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "captions.json is not valid JSON"),
        ("[]", "captions.json must hold an object of video ids, got an empty list"),
        (
            '{"v": {"split": "train", "captions": ["a"]}, "v": {"split": "test", "captions": ["b"]}}',
            "'v' appears twice",
        ),
    ],
)
def test_file_that_cannot_be(path, text, words):
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        CaptionCorpus.load(path)


def test_file_that_is_no_text_or_not_there(path):
    path.write_bytes(b'{"\xff')
    with pytest.raises(DataError, match="not UTF-8 text"):
        CaptionCorpus.load(path)
    path.unlink()
    with pytest.raises(MissingDataError, match="No captions at"):
        CaptionCorpus.load(path)


def test_captions_and_features_of_the_same_videos(path):
    corpus = CaptionCorpus.load(path)
    assert corpus.check_against(["v10", "v2", "v1"]) == []
    with pytest.raises(DataError, match=r"'v1', 'v2' have captions but no features \(extract them"):
        corpus.check_against(["v10"])
    with pytest.raises(DataError, match=r"'v9' have features but no captions \(add some"):
        corpus.check_against(["v9", "v10", "v2", "v1"])
    assert corpus.check_against(["v9", "v10", "v2", "v1"], allow_uncaptioned=True) == ["v9"]
    with pytest.raises(DataError, match="'v1', 'v2' have captions but no features"):
        corpus.check_against(["v9", "v10"], allow_uncaptioned=True)


def test_many_strangers_are_counted():
    corpus = CaptionCorpus({f"v{number}": VideoCaptions("train", ("a",)) for number in range(9)})
    with pytest.raises(
        DataError, match="'v0', 'v1', 'v2', 'v3', 'v4' and 4 more have captions but no features"
    ):
        corpus.check_against([])
