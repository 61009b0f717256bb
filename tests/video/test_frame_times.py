"""Times of frames whose time stamps are missing, wrong or jump."""

import numpy as np
import pytest

from stgraph.video.frame_times import frame_times


@pytest.mark.parametrize(
    ("stamps", "decoding", "rates", "jumps", "times"),
    [
        ([5, 6, 8, 9], [None] * 4, [], False, [0, 1, 3, 4]),
        ([None] * 3, [None] * 3, [2.0], False, [0, 0.5, 1]),
        ([None] * 3, [None] * 3, [], False, [0, 0.04, 0.08]),
        ([None] * 4, [4, 6, 8, None], [1.0], False, [0, 2, 4, 6]),  # AVI with B-frames
        ([0, None, None, 3], [None] * 4, [], False, [0, 1, 2, 3]),  # MPEG-2 in a program stream
        ([None, 1, 2], [None] * 3, [], False, [0, 1, 2]),
        ([0, 1, 2, 0, 1], [None] * 5, [], True, [0, 1, 2, 3, 4]),  # two recordings joined
        ([0, 1, 2, 50, 51], [None] * 5, [], True, [0, 1, 2, 3, 4]),
        ([0, 1, 2, 50, 51], [None] * 5, [], False, [0, 1, 2, 50, 51]),
        (
            [0, 2, 1, 4, 3, 5],
            [0, 1, 2, 3, 4, 5],
            [],
            False,
            [0, 2, 2, 3, 4, 5],
        ),  # wrong stamps: those of decoding from there
        ([7], [None], [], False, [0]),
    ],
)
def test_times(stamps, decoding, rates, jumps, times):
    got = frame_times(stamps, decoding, rates, 1.0, jumps=jumps)
    np.testing.assert_allclose(got, times)
