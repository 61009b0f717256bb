import pytest

from stgraph.datasets import read_msrvtt_captions, read_msvd_captions
from stgraph.datasets.corpus.official_splits import msrvtt_splits, msvd_splits
from stgraph.errors import DataError


def counts(splits):
    return {name: list(splits.values()).count(name) for name in ("train", "val", "test")}


def names(count):
    """Names like MSVD's own; capitals and signs sort before small letters."""
    letters = "aB-_9zA"
    return [f"{letters[number % 7]}{number:010}_{number}_{number + 9}" for number in range(count)]


def test_msvd_goes_by_the_order_of_its_names():
    splits = msvd_splits(names(1970)[::-1])
    assert counts(splits) == {"train": 1200, "val": 100, "test": 670}
    order = sorted(splits, key=lambda name: name.encode())
    assert [splits[name] for name in order] == ["train"] * 1200 + ["val"] * 100 + ["test"] * 670


def test_msvd_by_numbers_needs_not_all_of_them():
    assert counts(msvd_splits([f"vid{number}" for number in range(1, 1971)])) == {
        "train": 1200,
        "val": 100,
        "test": 670,
    }
    assert msvd_splits(["video1300", "vid0001"]) == {"video1300": "val", "vid0001": "train"}


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["vid0", "vid3"], "from vid1 to vid1970, got 'vid0'; give the splits as lists"),
        (["vid1971"], "got 'vid1971'"),
        (names(1969), "there are captions of 1,969 videos"),
        ([*names(1969), "cat"], "named YouTubeID_start_end or vid1 to vid1970, got 'cat'"),
        ([*names(1969), "vid7"], "got 'vid7'"),
        ([f"clip{number}" for number in range(7)], "'clip4' and 2 more"),
    ],
)
def test_other_names_than_msvds(ids, words):
    with pytest.raises(DataError, match=words):
        msvd_splits(ids)


def test_msrvtt_goes_by_numbers():
    splits = msrvtt_splits([f"video{number}" for number in range(10000)])
    assert counts(splits) == {"train": 6513, "val": 497, "test": 2990}
    edges = {number: splits[f"video{number}"] for number in (0, 6512, 6513, 7009, 7010, 9999)}
    assert list(edges.values()) == ["train", "train", "val", "val", "test", "test"]


@pytest.mark.parametrize("name", ["video10000", "vid3", "3", "video-1"])
def test_other_names_than_msrvtts(name):
    with pytest.raises(DataError, match=f"video0 to video9999, got '{name}'"):
        msrvtt_splits(["video0", name])


def test_readers_take_them_by_name(tmp_path):
    (tmp_path / "msvd.txt").write_text("vid1200 a dog\nvid1201 a cat\nvid1301 a cow\n")
    corpus = read_msvd_captions(tmp_path / "msvd.txt")
    assert [corpus[video].split for video in ("vid1200", "vid1201", "vid1301")] == ["train", "val", "test"]
    (tmp_path / "all.json").write_text('{"video1": ["a"], "video7000": ["b"], "video8000": ["c"]}')
    corpus = read_msrvtt_captions(tmp_path / "all.json", "official")
    assert [corpus[video].split for video in corpus.ids()] == ["train", "val", "test"]
