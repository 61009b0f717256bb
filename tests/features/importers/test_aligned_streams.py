import numpy as np
import pytest
import torch

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.features.importers import JoinedStreams
from stgraph.features.importers.aligned_streams import spread_clips


def arrays(**values):
    return {name: (lambda value=value: np.asarray(value)) for name, value in values.items()}


@pytest.mark.parametrize(
    ("clips", "frames"), [(1, 40), (3, 6), (4, 10), (6, 6), (7, 5), (80, 40), (9, 1), (16, 3)]
)
def test_each_frame_gets_the_clip_at_its_middle(clips, frames):
    motion = np.arange(clips, dtype=np.float32)[:, None]
    video = next(
        iter(JoinedStreams({"appearance": arrays(v=np.ones((frames, 2))), "motion": arrays(v=motion)}))
    )
    expected = [int((frame + 0.5) * clips / frames) for frame in range(frames)]
    assert video.motion_of_frames()[:, 0].tolist() == expected
    starts = spread_clips(clips, frames)
    assert starts[0] == 0
    assert (starts.diff() >= 0).all()


def test_what_is_not_known_is_not_made_up():
    streams = {"appearance": arrays(v=[[1, 2], [3, 4], [5, 6]]), "motion": arrays(v=[7.0, 8.0, 9.0])}
    (video,) = JoinedStreams(streams)
    assert (video.id, video.size, video.file_frames) == ("v", (1, 1), 0)
    assert video.fps != video.fps
    assert video.frame_time.isnan().all()
    assert video.frame_index.tolist() == [0, 1, 2]
    assert video.appearance.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert (video.motion.tolist(), video.clip_start.tolist()) == ([[7, 8, 9]], [0])
    assert video.detections is None


def test_one_stream_alone():
    (video,) = JoinedStreams({"motion": arrays(v=[[1.0], [2.0]])})
    assert video.frame_index.tolist() == [0, 1]
    assert video.appearance is None
    assert torch.equal(video.motion_of_frames(), torch.tensor([[1.0], [2.0]]))
    (video,) = JoinedStreams({"appearance": arrays(v=[1.0, 2.0])})
    assert video.appearance.tolist() == [[1, 2]]
    assert video.motion_of_frames() is None


def test_ids_that_do_not_match_are_all_named():
    streams = {"appearance": arrays(a=[1.0], b=[1.0]), "motion": arrays(b=[1.0], c=[1.0], d=[1.0])}
    joined = JoinedStreams(streams, known=frozenset("be"))
    assert joined.mismatches == {
        "a": ("motion",),
        "c": ("appearance",),
        "d": ("appearance",),
        "e": ("appearance", "motion"),
    }
    with pytest.raises(
        DataError, match=r"4 videos .*: a \(no motion\); c .*; d .*; e \(no appearance or motion\)"
    ):
        iter(joined)
    common = JoinedStreams(streams, common=True)
    assert (common.ids, len(common), [video.id for video in common]) == (("b",), 1, ["b"])
    with pytest.raises(DataError, match="No video is in all streams"):
        iter(JoinedStreams({"appearance": arrays(a=[1.0]), "motion": arrays(b=[1.0])}, common=True))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.ones((2, 2, 2)), r"'appearance' must be numbers \[T, D\].*float64 \[2, 2, 2\]"),
        (np.ones((0, 5)), r"float64 \[0, 5\]"),
        (np.array("x"), r"got <U1 \[\]"),
        ([[1.0, float("nan")]], "'appearance' must be finite"),
        ([[1e60]], "'appearance' must be finite"),
    ],
)
def test_arrays_that_cannot_be_right_name_the_video(value, words):
    with pytest.raises(DataError, match=f"Video 'v': .*{words}"):
        list(JoinedStreams({"appearance": arrays(v=value)}))


def test_streams_that_are_none():
    with pytest.raises(OptionError, match=r"must be some of .* got \['sound'\]"):
        JoinedStreams({"sound": arrays(v=[1.0])})
    with pytest.raises(OptionError):
        JoinedStreams({})
    with pytest.raises(MissingDataError, match="No videos have 'motion'"):
        JoinedStreams({"motion": {}})
