import json

import pytest

from stgraph.datasets import OwnCaptions, read_own_captions
from stgraph.errors import DataError, MissingDataError, OptionError

EXPECTED = {"a b": ["a dog, running", "ein Hörnchen"], "c": ['he says "hi"']}
TABLE = 'id,caption\na b.mp4,"a dog, running"\nc,"he says ""hi"""\n\na b,ein Hörnchen\n'


def read(tmp_path, content):
    (tmp_path / "captions").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_own_captions(tmp_path / "captions")


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        "\n\n" + TABLE,
        TABLE.replace("id,caption", "Video ID,Sentence"),
        'id;caption\na b.mp4;a dog, running\nc;"he says ""hi"""\na b;ein Hörnchen;;\n',
        'number\tfilename\tDescription\n1\ta b.avi\ta dog, running\n2\tc\t"he says ""hi"""\n3\ta b\tein Hörnchen\n',
        '\tid\tcaption\n0\ta b\ta dog, running\n1\tc\the says "hi"\n2\ta b\tein Hörnchen\n',
        json.dumps(EXPECTED),
        "\ufeff" + json.dumps(EXPECTED),
        json.dumps({"a b": EXPECTED["a b"][:1], "a b.mp4": EXPECTED["a b"][1], "c": EXPECTED["c"][0]}),
        json.dumps({name: {"captions": lines} for name, lines in EXPECTED.items()}),
    ],
)
def test_each_layout_gives_the_same_captions(tmp_path, content):
    assert read(tmp_path, content) == OwnCaptions(EXPECTED)


@pytest.mark.parametrize(
    "content",
    [
        "caption,split,id,class\na dog,train,a,pets\na cat,validation,b,\nthe dog,train,a,pets\n",
        json.dumps(
            {
                "a": {"captions": ["a dog", "the dog"], "split": "training", "category": "pets"},
                "b": {"captions": ["a cat"], "split": "val", "category": None},
            }
        ),
    ],
)
def test_splits_and_categories(tmp_path, content):
    assert read(tmp_path, content) == OwnCaptions(
        {"a": ["a dog", "the dog"], "b": ["a cat"]}, {"a": "train", "b": "val"}, {"a": "pets"}
    )


def test_a_quoted_caption_may_hold_a_line_break(tmp_path):
    assert read(tmp_path, 'id,caption\na,"one\ntwo"\nb,three\n').captions == {
        "a": ["one\ntwo"],
        "b": ["three"],
    }


def test_the_best_fitting_column_is_taken(tmp_path):
    found = read(tmp_path, "name,caption,id\nfirst,a dog,v1\n")
    assert found.captions == {"v1": ["a dog"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "contains no captions"),
        (" \n\n", "contains no captions"),
        ("id,caption\n", "contains no captions"),
        ("{}", "contains no captions"),
        ("v1,a dog\n", "no column 'id' and no column 'caption' .*'v1,a dog'; add a header"),
        ("id,split\nv1,train\n", "no column 'caption' .or one of captions, sentence"),
        (
            "id,caption\nv1,a dog, running\n",
            "line 2 has more fields than the header, 3 instead of 2; put captions",
        ),
        ("id,caption\nv1\n", "line 2 has fewer fields"),
        ("id,caption\n,a dog\n", "line 2: a video id must not be empty"),
        ("id,caption,split\nv1,a,train\nv1,b,test\n", "'v1' is 'train' in one row and 'test' in another"),
        (
            "id,caption,split\nv1,a,train\nv2,b,\nv3,c,\n",
            "none for 'v2', 'v3'; give one for every video, or for none",
        ),
        ("\nid,caption\n\nv1,a\nv2\n", "line 5 has fewer fields"),
        ('["v1"]', "the top level is a list of texts, which is no layout .*; known are MSR-VTT"),
        ('{"v1": ["a"], "v1": ["b"]}', "'v1' appears twice"),
        ('{"v1": [3]}', "'v1' must be a list of strings"),
        (
            '{"v1": {"split": "train"}}',
            "'v1' must have 'captions', a list of strings, got an object with the keys 'split'",
        ),
        ('{"v1": ["a"]', "is not valid JSON"),
        (b"id,caption\nv1,\xe9\n", "is not UTF-8"),
        ('id,caption\nv1,"' + "x" * 200000 + '"\n', "line 2 has a field of more than 131,072 characters"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, content, words):
    with pytest.raises(DataError, match=words):
        read(tmp_path, content)


def test_no_split_and_no_file(tmp_path):
    with pytest.raises(OptionError, match="got 'dev'"):
        read(tmp_path, "id,caption,split\nv1,a,dev\n")
    with pytest.raises(MissingDataError, match="There is no file at"):
        read_own_captions(tmp_path / "nothing.csv")
