"""The three sampling rules follow their formulas."""

import numpy as np
import pytest

from stgraph.errors import OptionError
from stgraph.features import VideoFeatures
from stgraph.video import SAMPLING, chunk_frames, every_nth_frame, floored_chunk_frames, spread_frames


@pytest.mark.parametrize("total", [1, 2, 9, 10, 11, 27, 28, 29, 100, 18000])
def test_rules_are_the_formulas_and_frames_are_never_taken_twice(total):
    spread = [int((t + 0.5) * total // 10) for t in range(10)] if total > 10 else list(range(total))
    floored = [t * total // 28 for t in range(28)] if total > 28 else list(range(total))
    chunks = [
        part[0] for part in np.array_split(range(total), 28) if len(part)
    ]  # as the released code of STAT
    assert spread_frames(total).tolist() == spread
    assert chunk_frames(total).tolist() == chunks
    assert floored_chunk_frames(total).tolist() == floored
    assert every_nth_frame(total).tolist() == list(range(0, total, 16))
    for rule, number in (("spread", 10), ("chunks", 28), ("chunks_floored", 28), ("every", 16)):
        chosen = SAMPLING[rule](total, number)
        assert np.all(np.diff(chosen) > 0)
        assert 0 <= chosen[0] <= chosen[-1] < total


def test_a_store_samples_by_the_same_rule():
    import torch

    video = VideoFeatures(
        id="v",
        size=(4, 4),
        frame_index=torch.arange(37),
        frame_time=torch.arange(37) / 25,
        appearance=torch.zeros(37, 2),
    )
    assert video.sample(10).frame_index.tolist() == spread_frames(37, 10).tolist()
    assert video.sample(10, "chunks").frame_index.tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 31, 34]


@pytest.mark.parametrize(("call", "message"), [
    (lambda: spread_frames(0), "'file_frames' must be at least 1, got 0"),
    (lambda: chunk_frames(5, 0), "'count' must be at least 1, got 0"),
    (lambda: every_nth_frame(5, -1), "'step' must be at least 1, got -1"),
])  # fmt: skip
def test_numbers_that_cannot_be(call, message):
    with pytest.raises(OptionError, match=message):
        call()
