import numpy as np
import pytest
import torch

from stgraph import Detections, VideoFeatures
from stgraph.errors import DataError, ShapeError
from stgraph.features import GridFeatures


def make(num_frames=8, **changed):
    frame = torch.arange(num_frames).repeat_interleave(2)
    detections = Detections(
        boxes=torch.tensor([[0.0, 0, 10, 10]]).repeat(len(frame), 1),
        scores=torch.ones(len(frame)),
        features=torch.arange(len(frame)).float()[:, None],
        frame=frame,
        num_frames=num_frames,
        size=(20, 20),
    )
    given = {
        "id": "v",
        "size": (20, 20),
        "frame_index": torch.arange(num_frames) * 5,
        "frame_time": torch.arange(num_frames) / 2,
        "appearance": torch.arange(num_frames).float()[:, None],
        "motion": torch.arange(3).float()[:, None],
        "clip_start": torch.tensor([0, 16, 32]),
        "detections": detections,
    }
    return VideoFeatures(**{**given, **changed})


def test_samples_are_spread_as_published():
    video = make(8).sample(3)  # floor((t + 0.5) 8 / 3)
    assert video.appearance[:, 0].tolist() == [1, 4, 6]
    assert video.frame_index.tolist() == [5, 20, 30]
    assert video.detections.frame.tolist() == [0, 0, 1, 1, 2, 2]
    assert video.detections.features[:, 0].tolist() == [2, 3, 8, 9, 12, 13]


def test_a_shorter_video_keeps_its_frames():
    video = make(4)
    assert video.sample(10) is video
    assert video.sample(None) is video
    assert video.sample(10, "chunks") is video


def test_a_frame_has_the_motion_of_its_clip_and_late_ones_of_the_last():
    # Frame n belongs to clip min(n // 16, C - 1).
    video = make(8, frame_index=torch.tensor([0, 15, 16, 31, 32, 47, 48, 500]))
    assert video.motion_of_frames()[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    assert make(8, motion=None, clip_start=None).motion_of_frames() is None


def test_a_frame_has_the_grid_row_that_covers_it_tied_to_clips_or_to_frames():
    index = torch.tensor([0, 15, 16, 31, 32, 47, 48, 500])

    def rows(count):
        return torch.arange(count).float().view(-1, 1, 1)

    clips = GridFeatures(rows(3), torch.tensor([0, 16, 32]))
    video = make(8, frame_index=index, grids={"clips": clips, "frames": GridFeatures(rows(8), index)})
    assert video.grid_of_frames("clips").flatten().tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    assert video.grid_of_frames("frames").flatten().tolist() == [*range(8)]
    assert video.sample(2).grid_of_frames("frames").flatten().tolist() == [2, 6]
    assert video.grid_of_frames("none") is None


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"appearance": torch.zeros(7, 1)}, ShapeError, r"'appearance' must be \[T=8, Da\], got \[7, 1\]"),
        (
            {"frame_index": torch.zeros(8, dtype=torch.long)},
            DataError,
            "Video 'v': 'frame_index' must increase",
        ),
        ({"clip_start": None}, DataError, "'motion' and 'clip_start' go together"),
        (
            {"motion": torch.tensor([[0.0], [float("nan")], [0.0]])},
            DataError,
            "'motion' must be finite.* in row 1",
        ),
        ({"detections": make(5).detections}, DataError, "detections are of 5 frames, the video of 8"),
    ],
)
def test_streams_that_contradict_each_other_are_named(changed, error, message):
    with pytest.raises(error, match=message):
        make(**changed)


@pytest.mark.parametrize("clips", [1, 3, 4, 5, 9, 40])
def test_chunks_take_clips_by_their_own_numbers(clips):
    """As the released code of STAT, which samples the three streams each by itself."""
    video = VideoFeatures(
        id="v",
        size=(4, 4),
        frame_index=torch.arange(9) * 3,
        frame_time=torch.arange(9) / 25,
        motion=torch.arange(clips)[:, None].float(),
        clip_start=torch.arange(clips) * 16,
    ).sample(4, "chunks")
    assert video.frame_index.tolist() == [0, 9, 15, 21]  # frames 0, 3, 5 and 7 of nine
    found = video.motion_of_frames("chunks").flatten().tolist()
    if clips >= 4:
        assert found == [part[0] for part in np.array_split(range(clips), 4)]
    else:  # each clip for an equal share of the frames
        assert found == ([0, 0, 1, 2] if clips == 3 else [0, 0, 0, 0])
    assert video.motion_of_frames().flatten().tolist() == [0, 0, 0, min(clips - 1, 1)]
