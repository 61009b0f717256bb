import pytest

from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.datasets.corpus.renaming import read_names, rename_videos
from stgraph.errors import DataError

PAIRS = [("-4w_5_15", "vid1"), ("b_1_2", "vid2"), ("c_3_4", "vid3")]


def corpus(*names):
    return CaptionCorpus({name: VideoCaptions("train", (f"seen in {name}",)) for name in names})


@pytest.mark.parametrize(
    "content",
    ["-4w_5_15 vid1\nb_1_2.avi vid2\n\nc_3_4\tvid3", "\ufeff-4w_5_15,vid1\r\nb_1_2,vid2\r\nc_3_4, vid3\r\n"],
)
def test_a_pair_a_line(tmp_path, content):
    (tmp_path / "names").write_text(content, encoding="utf-8", newline="")
    assert read_names(tmp_path / "names") == PAIRS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a vid1\nb\n", "line 2 must contain two names of one video, got 'b'"),
        ("a b c\n", "line 1 must contain"),
        ("a vid1\nb vid1\n", "'vid1' appears twice"),
        ("a vid1\na.avi vid2\n", "'a' appears twice"),
        ("1 0\n2 1\n", "'1' appears twice"),
        ('{"a": "vid1"}', "names begins like JSON, with '{'; write one pair of names per line"),
        ("[" * 5000, "names begins like JSON"),
    ],
)
def test_lines_that_cannot_be_right(tmp_path, content, words):
    (tmp_path / "names").write_text(content)
    with pytest.raises(DataError, match=words):
        read_names(tmp_path / "names")


def test_captions_get_the_names_of_the_features_whichever_those_are():
    there = rename_videos(corpus("-4w_5_15", "c_3_4"), PAIRS, ["vid1", "vid2", "vid3"])
    assert there.references("train") == {"vid1": ["seen in -4w_5_15"], "vid3": ["seen in c_3_4"]}
    back = rename_videos(there, PAIRS, ["-4w_5_15", "c_3_4"])
    assert back.ids() == ["-4w_5_15", "c_3_4"]
    assert rename_videos(back, PAIRS, ["-4w_5_15"]).ids() == ["-4w_5_15", "c_3_4"]


def test_a_video_without_another_name_is_named():
    with pytest.raises(DataError, match="No other name is given for 'd_1_2', 'e_1_2'"):
        rename_videos(corpus("b_1_2", "e_1_2", "d_1_2"), PAIRS, ["vid1"])
