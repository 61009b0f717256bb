import warnings

import pytest

from stgraph.datasets.corpus.caption_files import join_splits
from stgraph.errors import DataError
from stgraph.parsing import read_json, read_text


def test_text_of_another_encoding(tmp_path):
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_text(tmp_path / "latin")


def test_ids_that_do_not_match_are_all_named():
    captions = {"v1": ["a dog"], "v8": ["a cat"], "v9": ["a cow"]}
    with pytest.raises(
        DataError, match="2 have captions but no split: v8, v9; 1 have a split but no captions: v2"
    ):
        join_splits(captions, {"v1": "train", "v2": "test"}, common=False)
    with pytest.warns(UserWarning, match="v8, v9; 1 have a split but no captions: v2"):
        corpus = join_splits(captions, {"v1": "train", "v2": "test"}, common=True)
    assert corpus.ids() == ["v1"]
    with pytest.raises(DataError, match="no video in common"):
        join_splits(captions, {"v2": "test"}, common=True)


def test_captions_without_words_are_counted():
    with pytest.warns(UserWarning, match="Left out 2 captions without words"):
        corpus = join_splits({"v1": ["a dog", " ", "?!"]}, {"v1": "val"}, common=False)
    assert corpus.references("val") == {"v1": ["a dog"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        join_splits({"v1": ["a dog"]}, {"v1": "val"}, common=False)


def test_a_key_that_comes_twice_is_found_among_many(tmp_path):
    keys = ", ".join(f'"v{number}": 0' for number in range(50_000))
    (tmp_path / "many.json").write_text(f'{{{keys}, "v49999": 1}}')
    with pytest.raises(DataError, match="'v49999' appears twice"):
        read_json(tmp_path / "many.json")
