import math

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.inspection import draw_sharpness, frame_sharpness, sharpness_of
from tests.inspection.test_frame_order import captioner, dataset  # noqa: F401  (fixture)


def test_of_weights_by_hand():
    largest, effective = sharpness_of(torch.tensor([[0.25] * 4, [1.0, 0, 0, 0], [0.5, 0.5, 0, 0]]))
    assert largest.tolist() == [0.25, 1, 0.5]
    assert effective.tolist() == pytest.approx([4, 1, 2])


def test_means_over_words_then_videos(dataset, tmp_path):  # noqa: F811
    pipeline = captioner(attention="stats")
    found = frame_sharpness(pipeline, dataset, batch_size=2)
    ids = dataset.corpus.ids("test")
    assert (found.attention, set(found.largest)) == ("ts_frames", set(ids))
    for video in ids:
        (caption,) = pipeline.caption_store(dataset.store, [video], attention=True)
        rows = caption.attention["ts_frames"].tolist()
        entropies = [-sum(weight * math.log(weight) for weight in row if weight > 0) for row in rows]
        assert found.largest[video] == pytest.approx(sum(map(max, rows)) / len(rows), rel=1e-5)
        assert found.effective[video] == pytest.approx(sum(map(math.exp, entropies)) / len(rows), rel=1e-5)
        assert found.even[video] == 1 / len(rows[0])
    assert found.mean_largest == pytest.approx(sum(found.largest.values()) / len(ids))
    assert found.mean_largest > found.mean_even
    draw_sharpness({"a": [found, found], "b": [found]}, tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size > 1000


def test_says_what_cannot_be_measured(dataset):  # noqa: F811
    with pytest.raises(OptionError, match="no attention over frames"):
        frame_sharpness(captioner(attention="st"), dataset)
    with pytest.raises(
        OptionError, match="'attention' must be one of ts_frames for this model, got 'frames'"
    ):
        frame_sharpness(captioner(attention="stats"), dataset, attention="frames")
    with pytest.raises(OptionError, match="at least one run"):
        draw_sharpness({})
