"""Captions of the first videos of MSR-VTT, split by number."""

import gzip
import json

import pytest

from stgraph.datasets import read_msrvtt1000_captions
from stgraph.errors import DataError, MissingDataError, OptionError

CONTENT = {
    f"video{n}": {"split": "train", "category": n % 20, "captions": [f"a car {n}", "cars"]}
    for n in range(800)
}


@pytest.mark.parametrize("name", ["all.json", "all.json.gz"])
def test_splits_follow_the_numbers(tmp_path, name):
    path = tmp_path / name
    text = json.dumps(CONTENT).encode()
    path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    corpus = read_msrvtt1000_captions(path)
    assert [len(corpus.ids(split)) for split in ("train", "val", "test")] == [600, 100, 100]
    assert corpus["video600"].split == "val"
    assert corpus["video700"].captions == ("a car 700", "cars")
    assert corpus["video23"].category == "3"
    other = read_msrvtt1000_captions(path, {"test": [5, 799]})
    assert other.ids() == ["video5", "video799"]


def test_faults_are_named(tmp_path):
    path = tmp_path / "all.json"
    with pytest.raises(MissingDataError):
        read_msrvtt1000_captions(path)
    path.write_text(json.dumps({"video0": {"captions": "a car"}}))
    with pytest.raises(DataError, match="'video0' must have a list of 'captions'"):
        read_msrvtt1000_captions(path)
    with pytest.raises(DataError, match="has no captions of 'video9'"):
        read_msrvtt1000_captions(path, {"test": [9]})
    with pytest.raises(OptionError, match="must have splits named .* got 'dev'"):
        read_msrvtt1000_captions(path, {"dev": [9]})
    (tmp_path / "all.json.gz").write_bytes(b"{}")
    with pytest.raises(DataError, match="is damaged or not gzipped"):
        read_msrvtt1000_captions(tmp_path / "all.json.gz")
