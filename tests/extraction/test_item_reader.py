"""The frames and clips that the extractors receive."""

import numpy as np
import pytest
import torch

from stgraph.extraction import FrameRule, VideoSource, item_reader
from stgraph.extraction.item_reader import ItemBatch, VideoInfo, read_items
from tests.extraction.files import flat_video
from tests.extraction.small import Change, MeanColour


def read(path, rule, extractors, batch_size=4):
    facts, *items = read_items(VideoSource("v", path), rule, extractors, batch_size)
    assert isinstance(facts, VideoInfo)
    values = {}
    for group in items:
        assert isinstance(group, ItemBatch)
        assert len(group.values) <= batch_size
        place = values.setdefault(group.extractor, [])
        assert group.first == len(place)
        place.extend(group.values)
    return facts, values


@pytest.mark.parametrize(("frames", "clips"), [(1, 1), (15, 1), (16, 1), (31, 1), (32, 2), (50, 3)])
def test_clips_are_whole_and_a_short_video_repeats_its_last_frame(tmp_path, frames, clips):
    path = flat_video(tmp_path / "v.mp4", frames=frames, start=20, step=4)
    facts, values = read(path, FrameRule("spread", 10), [MeanColour(), Change()])
    numbers = FrameRule("spread", 10)(frames)
    assert facts.frame_index.tolist() == numbers.tolist()
    np.testing.assert_allclose(facts.frame_time, numbers / 10, atol=1e-4)

    def grey(n):
        return 20 + 4 * np.asarray(n)

    np.testing.assert_allclose(torch.stack(values[0])[:, 0], np.minimum(grey(numbers), 255), atol=4)
    assert facts.clip_start.tolist() == [16 * c for c in range(clips)]
    shown = [[min(16 * c + k, frames - 1) for k in range(16)] for c in range(clips)]
    np.testing.assert_allclose(torch.stack(values[1])[..., 1], np.minimum(grey(shown), 255), atol=4)


def test_no_clips_are_read_where_nobody_wants_them(tmp_path):
    facts, values = read(flat_video(tmp_path / "v.mp4", frames=40), FrameRule("every", 16), [MeanColour()])
    assert facts.frame_index.tolist() == [0, 16, 32]
    assert len(facts.clip_start) == 0
    assert facts.size == (32, 48)
    assert facts.file_frames == 40
    assert len(values[0]) == 3


def test_a_batch_of_large_items_ends_early(tmp_path, monkeypatch):
    path = flat_video(tmp_path / "v.mp4", frames=40)
    _, expected = read(path, FrameRule("every", 4), [MeanColour(), Change()])
    monkeypatch.setattr(item_reader, "BATCH_BYTES", 20)  # of an item of 12 bytes, two
    _, *batches = read_items(VideoSource("v", path), FrameRule("every", 4), [MeanColour(), Change()], 4)
    sizes = [(batch.extractor, batch.first, len(batch.values)) for batch in batches]
    assert sizes == [(0, 0, 2), (0, 2, 2), (1, 0, 1), (0, 4, 2), (0, 6, 2), (1, 1, 1), (0, 8, 2)]
    found = [value for batch in batches if not batch.extractor for value in batch.values]
    assert torch.stack(found).equal(torch.stack(expected[0]))
