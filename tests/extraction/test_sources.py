"""Finding videos in folders, their ids, and their shards."""

import pytest

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.extraction import VideoSource, find_videos, take_shard


def test_videos_of_folders_by_their_paths_without_the_ending(tmp_path):
    for name in ("b.mp4", "a/c d=1,[x].AVI", "-e.gif", "notes.txt", ".hidden.mp4", ".git/f.mp4", "sound.mp3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found, others = find_videos(tmp_path)
    assert [source.id for source in found] == ["-e", "a/c d=1,[x]", "b", "sound"]
    assert [path.name for path in others] == ["notes.txt"]
    assert all(source.path.is_file() for source in found)


def test_one_file_is_one_video(tmp_path):
    (tmp_path / "x.y.mp4").write_bytes(b"x")
    assert find_videos(tmp_path / "x.y.mp4")[0] == [VideoSource("x.y", tmp_path / "x.y.mp4")]


def test_two_files_of_one_id_are_refused(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"x")
    (tmp_path / "x.avi").write_bytes(b"x")
    with pytest.raises(DataError, match=r"'x.avi' and 'x.mp4' in .* would both be the video 'x'; rename"):
        find_videos(tmp_path)


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(MissingDataError, match="There is no folder of videos at"):
        find_videos(tmp_path / "none")
    with pytest.raises(MissingDataError, match="has a video's ending"):
        find_videos(tmp_path)


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_parts_joined_in_order_are_the_whole(tmp_path, parts):
    sources = [VideoSource(str(k), tmp_path) for k in range(7)]
    pieces = [take_shard(sources, f"{part}/{parts}") for part in range(1, parts + 1)]
    assert [source for piece in pieces for source in piece] == sources
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "a/b", "1/0", "-1/4"])
def test_a_part_that_cannot_be_is_refused(shard):
    with pytest.raises(OptionError, match=r"'--shard' must be I/N with I from 1 to N"):
        take_shard([], shard)
