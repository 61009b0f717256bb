import json

import pytest

from stgraph.datasets.corpus.split_files import read_splits
from stgraph.errors import DataError, MissingDataError, OptionError

EXPECTED = {"v1": "train", "v2": "train", "v3": "val", "v4": "test"}


def test_splits_in_each_layout(tmp_path):
    by_split = tmp_path / "splits.json"
    by_split.write_text(json.dumps({"training": ["v1.avi", "v2"], "validate": ["v3"], "Test": ["v4"]}))
    by_id = tmp_path / "ids.json"
    by_id.write_text(json.dumps({"v1": "train", "v2": "train", "v3": "validation", "v4": "test"}))
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "train_list.txt").write_text("v1\r\nv2.mp4\n\n")
    (folder / "validation.json").write_text('["v3"]')
    (folder / "test.txt").write_text("v4")
    (folder / "notes.txt").write_text("v5")
    lists = {"train": folder / "train_list.txt", "val": ["v3"], "test": str(folder / "test.txt")}
    for given in (by_split, str(by_id), folder, lists):
        assert read_splits(given) == EXPECTED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('["v1"]', "pass a mapping from split to file"),
        ('{"train": ["v1"], "test": "v2"}', r"must contain \{split"),
        ('{"train": [1]}', "must be a list of strings"),
        ('{"train": ["v1"], "train": ["v2"]}', "'train' appears twice"),
        ('{"train"', "is not valid JSON"),
        ('{"train": ["v1"], "test": ["v1.avi"]}', "'v1' is listed in split 'train' and again in 'test'"),
        ('{"train": ["v1", "v1"]}', "'v1' is listed in split 'train' and again in 'train'"),
    ],
)
def test_splits_that_cannot_be_right(tmp_path, content, words):
    (tmp_path / "splits.json").write_text(content)
    with pytest.raises(DataError, match=words):
        read_splits(tmp_path / "splits.json")


def test_lists_that_cannot_be_right(tmp_path):
    with pytest.raises(MissingDataError, match="No lists of splits"):
        read_splits(tmp_path)
    with pytest.raises(MissingDataError, match="There is no file at .*nothing"):
        read_splits({"train": tmp_path / "nothing"})
    with pytest.raises(OptionError, match="got 'dev'"):
        read_splits({"dev": ["v1"]})
    (tmp_path / "train.txt").write_text("v1 a dog\n")
    with pytest.raises(DataError, match="line 1 must contain one id, got 'v1 a dog'"):
        read_splits(tmp_path)
    (tmp_path / "train.json").write_text("[]")
    with pytest.raises(DataError, match="could both list split 'train'"):
        read_splits(tmp_path)
