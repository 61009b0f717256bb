"""The layouts of captions that people have: each is read, by every reader of captions; others are named."""

import json
import pathlib
import warnings

import pytest

from stgraph.datasets import read_msrvtt_captions, read_msvd_captions, read_own_captions
from stgraph.datasets.corpus.caption_layouts import LAYOUTS, parse_captions
from stgraph.datasets.corpus.split_files import read_splits
from stgraph.errors import DataError

CAPTIONS = {"v1": ["a dog runs", "the dog"], "猫": ["a cat"]}
SENTENCES = [("v1", "a dog runs"), ("v1", "the dog"), ("猫", "a cat")]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


LAYOUT_FILES = {
    "JSON lines of sentences": lines(
        {"video_id": f"{name}.mp4", "sentence": text} for name, text in SENTENCES
    ),
    "JSON lines of captions": "\n"
    + lines({"id": name, "caption": texts} for name, texts in CAPTIONS.items()),
    "ActivityNet": json.dumps(
        {
            name: {"duration": 9.5, "timestamps": [[0, 4.5]] * len(texts), "sentences": texts}
            for name, texts in CAPTIONS.items()
        }
    ),
    "COCO": json.dumps(
        {
            "info": {},
            "images": [{"id": 7, "file_name": "v1.mp4"}, {"id": 8, "file_name": "猫.avi"}],
            "annotations": [
                {"id": number, "image_id": 7 if name == "v1" else 8, "caption": text}
                for number, (name, text) in enumerate(SENTENCES)
            ],
        }
    ),
    "COCO without names": json.dumps(
        {
            "images": [{"id": name} for name in CAPTIONS],
            "annotations": [{"image_id": name, "caption": text} for name, text in SENTENCES],
        }
    ),
    "COCO of videos": json.dumps(
        {
            "videos": [{"id": 1, "file_name": "v1.mp4"}, {"id": 2, "file_name": "猫.mp4"}],
            "annotations": [{"video_id": 1 + (name != "v1"), "caption": text} for name, text in SENTENCES],
        }
    ),
    "VATEX": json.dumps(
        [{"videoID": name, "enCap": texts, "chCap": ["一只狗"]} for name, texts in CAPTIONS.items()]
    ),
    "rows": json.dumps(
        [{"video_id": name, "id": number, "caption": text} for number, (name, text) in enumerate(SENTENCES)]
    ),
    "rows of captions": json.dumps(
        [{"video": f"{name}.mp4", "captions": texts} for name, texts in CAPTIONS.items()]
    ),
    "lists": json.dumps(CAPTIONS),
    "lists of objects": json.dumps(
        {name: [{"caption": text, "id": 0} for text in texts] for name, texts in CAPTIONS.items()}
    ),
    "captions by number": json.dumps(
        {name: {str(number): text for number, text in enumerate(texts)} for name, texts in CAPTIONS.items()}
    ),
    "entries": json.dumps({name: {"captions": texts, "fps": 25} for name, texts in CAPTIONS.items()}),
    "a table": "id,caption\n" + "".join(f"{name}.mp4,{text}\n" for name, text in SENTENCES),
}


@pytest.mark.parametrize("name", LAYOUT_FILES)
@pytest.mark.filterwarnings("ignore:.*describe segments")
def test_each_layout_gives_the_same_captions(tmp_path, name):
    path = tmp_path / "captions"
    path.write_text(LAYOUT_FILES[name], encoding="utf-8")
    assert read_own_captions(path).captions == CAPTIONS
    if name != "a table":
        splits = {"train": list(CAPTIONS)}
        for read in (read_msvd_captions, read_msrvtt_captions):
            assert {video: read(path, splits).captions(video) for video in CAPTIONS} == CAPTIONS


def test_one_row_is_no_map_of_captions(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"id": "v1", "caption": "a dog"}\n')
    assert read_own_captions(tmp_path / "x.jsonl").captions == {"v1": ["a dog"]}


def test_splits_and_categories_come_along(tmp_path):
    for content in (
        {
            "videos": [{"video_id": "v1", "split": "validate", "category": 3}],
            "sentences": [{"video_id": "v1", "caption": "a"}],
        },
        {
            "images": [{"id": 1, "file_name": "v1.mp4", "split": "val", "category": 3}],
            "annotations": [{"image_id": 1, "caption": "a"}],
        },
        [{"id": "v1", "caption": "a", "split": "val", "category": "3"}],
        {"v1": {"sentences": ["a"], "split": "val", "category": "3"}},
    ):
        (tmp_path / "x.json").write_text(json.dumps(content))
        found = read_own_captions(tmp_path / "x.json")
        assert (found.captions, found.splits, found.categories) == ({"v1": ["a"]}, {"v1": "val"}, {"v1": "3"})


def test_sentences_of_segments_are_announced(tmp_path):
    (tmp_path / "x.json").write_text(LAYOUT_FILES["ActivityNet"])
    with pytest.warns(
        UserWarning, match="3 sentences describe segments of videos; each is taken as a caption"
    ):
        read_own_captions(tmp_path / "x.json")
    (tmp_path / "x.json").write_text(LAYOUT_FILES["VATEX"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_own_captions(tmp_path / "x.json")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_example_of_each_layout_is_read_and_shown_in_the_docs(layout):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        entries = parse_captions(layout.example, "x.json")
    assert next(entry.captions[0] for entry in entries if entry.captions) == "a dog runs"
    assert entries[0].video_id == "v1"
    assert next(each for each in LAYOUTS if each.fits(json.loads(layout.example))) is layout
    page = (pathlib.Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    assert layout.example in page


WRONG = {
    "numbers": (
        "[1, 2]",
        "x.json: the top level is a list of numbers, which is no layout .*; known are MSR-VTT",
    ),
    "a list of lists": ("[[1]]", "the top level is a list of lists"),
    "numbers by id": ('{"v1": 1}', "the top level is an object with the keys 'v1', whose values are numbers"),
    "detections": (
        '{"width": 1, "frames": []}',
        "an object with the keys 'width', 'frames', which is no layout",
    ),
    "other objects": (
        '{"images": [{"id": 1, "url": "x"}]}',
        "'images' must be a list of strings, .* got a list of objects with the keys 'id', 'url'; .* no layout",
    ),
    "a row without an id": ('[{"caption": "a"}]', r"x.json: entry 0 has no 'id' \(or one of video_id"),
    "a row without a caption": (
        '[{"id": "v1", "caption": "a"}, {"id": "v2", "chCap": []}]',
        "entry 1 has no 'caption' .* got an object with the keys 'id', 'chCap'",
    ),
    "a line without a caption": (
        '{"id": "v1", "caption": "a"}\n\n{"id": "v2"}\n',
        "x.json, line 3 has no 'caption'",
    ),
    "a line that is no object": (
        '{"id": "v1", "caption": "a"}\n[3]\n',
        "line 2 must be an object with an id and a caption, got a list of numbers",
    ),
    "a line that is cut": ('{"id": "v1", "caption": "a"}\n{"id": "v2", \n', "is not valid JSON: line 2"),
    "a caption that is null": (
        '[{"id": "v1", "caption": null}]',
        "entry 0 must be a list of strings, .* got null",
    ),
    "an image that is not listed": (
        '{"images": [{"id": 1}], "annotations": [{"image_id": 2, "caption": "a"}]}',
        "entry 0 of 'annotations' is of 2, which is not in 'images'",
    ),
    "an image listed twice": (
        '{"images": [{"id": 1}, {"id": 1}], "annotations": []}',
        "entry 1 of 'images' has the id 1 of an earlier one",
    ),
    "an annotation without a caption": (
        '{"images": [{"id": 1}], "annotations": [{"image_id": 1}]}',
        "entry 0 of 'annotations' must have 'caption'",
    ),
    "images that are no list": (
        '{"images": {}, "annotations": []}',
        "'images' must be a list of objects, got an empty object",
    ),
    "an id that is empty": ('{"": ["a"]}', "x.json: a video id must not be empty"),
    "an id with a newline": (
        '[{"id": "v\\n1", "caption": "a"}]',
        r"entry 0: the video id 'v\\n1' has a control character",
    ),
    "an id of right-to-left marks": (
        '{"v\\u202e1": ["a"]}',
        r"the video id 'v\\u202e1' has an invisible character",
    ),
    "an id with an escape": (
        '{"id": "\\u001b[2J", "caption": "a"}\n{"id": "b", "caption": "a"}\n',
        r"line 1: the video id '\\x1b\[2J'",
    ),
    "an id that is a list": (
        '[{"id": ["v1"], "caption": "a"}]',
        "entry 0: a video id must be a string, got a list",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_other_layouts_and_wrong_entries_are_named(tmp_path, name):
    text, words = WRONG[name]
    with pytest.raises(DataError, match=words):
        parse_captions(text, "x.json")


def test_splits_of_videodatainfo_and_of_a_table(tmp_path):
    content = {
        "videos": [{"video_id": "v1", "split": "train"}, {"video_id": "v2.mp4", "split": "validate"}],
        "sentences": [],
    }
    (tmp_path / "x.json").write_text(json.dumps(content))
    (tmp_path / "x.csv").write_text("video_id,caption,split\nv1,a,train\nv2.mp4,b,validate\n")
    for name in ("x.json", "x.csv"):
        assert read_splits(tmp_path / name) == {"v1": "train", "v2": "val"}


@pytest.mark.parametrize("value", [["val"], {"a": 1}, True, 1.5])
@pytest.mark.parametrize("key", ["split", "category"])
def test_a_split_or_category_of_another_type_is_refused(key, value):
    rows = [{"id": "v1", "caption": "a", "split": "val", "category": 3} | {key: value}]
    with pytest.raises(DataError, match=rf"c.json: entry 0: '{key}' must be a string"):
        parse_captions(json.dumps(rows), "c.json")
