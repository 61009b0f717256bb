import warnings

import pytest

from stgraph.datasets.corpus.caption_files import join_splits, video_id_of
from stgraph.datasets.corpus.text_files import read_json, read_text
from stgraph.errors import DataError
from stgraph.extraction import find_videos
from stgraph.video.media_files import MEDIA_ENDINGS


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IMG_1.mov", "IMG_1"),
        ("cat.gif", "cat"),
        ("a/b.MP4", "a/b"),
        (" v1.npy ", "v1"),
        ("v1.2", "v1.2"),
        ("mr. smith", "mr. smith"),
    ],
)
def test_ids_lose_the_endings_that_extraction_knows(name, expected):
    assert video_id_of(name) == expected


def test_every_video_that_is_found_has_the_id_that_captions_give_it(tmp_path):
    for ending in MEDIA_ENDINGS:
        (tmp_path / f"clip{ending[1:]}{ending}").touch()
    found, others = find_videos(tmp_path)
    assert others == []
    assert [source.id for source in found] == [video_id_of(source.path.name) for source in found]


def test_a_key_that_comes_twice_is_found_among_many(tmp_path):
    keys = ", ".join(f'"v{number}": 0' for number in range(50_000))
    (tmp_path / "many.json").write_text(f'{{{keys}, "v49999": 1}}')
    with pytest.raises(DataError, match="'v49999' appears twice"):
        read_json(tmp_path / "many.json")
