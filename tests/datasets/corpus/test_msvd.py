import json

import pytest

from stgraph.datasets import read_msvd_captions
from stgraph.errors import DataError, MissingDataError

SPLITS = {"train": ["-4wsu_5_15", "mv89_33_46"], "test": ["a_b_1_2"]}
EXPECTED = {
    "-4wsu_5_15": ["A squirrel eats, slowly.", "Ein Hörnchen"],
    "a_b_1_2": ['a man says "hi"'],
    "mv89_33_46": ["a dog"],
}
LINES = """# Notes of the authors

-4wsu_5_15 A squirrel eats, slowly.
mv89_33_46.avi\ta dog
-4wsu_5_15 Ein Hörnchen
a_b_1_2 a man says "hi"
"""
CSV = """VideoID,Start,End,WorkerID,Source,AnnotationTime,Language,Description
-4wsu,5,15,1,clean,80,English,"A squirrel eats, slowly."
mv89,33,46,2,unverified,9,German,ein Hund
mv89,33,46,2,unverified,9, english ,a dog
-4wsu,5,15,1,clean,80,English,Ein Hörnchen
a_b,1,2,1,clean,80,English,"a man says ""hi\"""
"""


@pytest.mark.parametrize("content", [LINES, "\ufeff" + CSV, CSV.replace("\n", "\r\n"), json.dumps(EXPECTED)])
def test_each_layout_gives_the_same_corpus(tmp_path, content):
    (tmp_path / "captions").write_bytes(content.encode())
    corpus = read_msvd_captions(tmp_path / "captions", SPLITS)
    assert {video: corpus.captions(video) for video in corpus.ids()} == EXPECTED
    assert (corpus.ids("train"), corpus.ids("test")) == (SPLITS["train"], SPLITS["test"])


def test_a_quoted_caption_may_hold_a_line_break(tmp_path):
    (tmp_path / "captions.csv").write_text(CSV + 'x,1,2,1,clean,1,English,"one\ntwo"\n', encoding="utf-8")
    corpus = read_msvd_captions(tmp_path / "captions.csv", {"train": ["x_1_2", *EXPECTED]})
    assert corpus.captions("x_1_2") == ["one\ntwo"]


def test_two_names_of_one_video_are_joined(tmp_path):
    (tmp_path / "captions.json").write_text('{"v1": ["a"], "v1.avi": ["b"]}')
    corpus = read_msvd_captions(tmp_path / "captions.json", {"val": ["v1"]})
    assert corpus.references("val") == {"v1": ["a", "b"]}


def test_clips_of_no_split(tmp_path):
    (tmp_path / "captions.txt").write_text(LINES)
    with pytest.raises(DataError, match="1 have captions but no split: a_b_1_2"):
        read_msvd_captions(tmp_path / "captions.txt", {"train": SPLITS["train"]})
    with pytest.warns(UserWarning, match="a_b_1_2"):
        corpus = read_msvd_captions(tmp_path / "captions.txt", {"train": SPLITS["train"]}, common=True)
    assert corpus.ids() == SPLITS["train"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("v1 a dog\nv2\n", "line 2 must be 'id caption', got 'v2'"),
        ("# only notes\n", "contains no captions"),
        ("", "contains no captions"),
        ("VideoID,Start,Description\n", "lacks the columns End, Language"),
        (CSV + "v2,3\n", "fewer fields"),
        ('["a dog"]', "the top level is a list of texts"),
        ('{"v1": 3}', "the top level is an object with the keys 'v1', whose values are numbers"),
    ],
)
def test_other_layouts_are_named(tmp_path, content, words):
    (tmp_path / "captions").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_msvd_captions(tmp_path / "captions", SPLITS)


def test_no_file(tmp_path):
    with pytest.raises(MissingDataError, match="There is no file at"):
        read_msvd_captions(tmp_path / "captions", SPLITS)
