import numpy as np
import pytest
import torch

from stgraph.errors import OptionError, ShapeError
from stgraph.inspection import draw_attention
from stgraph.pipeline import Caption
from tests.inspection.test_pictures import two_by_two

FRAMES = np.random.default_rng(0).integers(0, 255, (2, 64, 80, 3), dtype=np.uint8)


def caption(**attention):
    return Caption("v7", "a cat", (-0.1, -0.2, -0.3), attention)


OVER_FRAMES = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
OVER_REGIONS = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.2, 0.8]], [[0.5, 0.5], [0.0, 1.0]]])


def test_each_word_shows_its_frame_and_boxes_by_their_weights():
    figure = draw_attention(caption(ts_frames=OVER_FRAMES, ts_regions=OVER_REGIONS), FRAMES, two_by_two())
    chart, *panels = figure.axes
    assert np.array_equal(chart.images[0].get_array(), OVER_FRAMES.numpy())
    assert [label.get_text() for label in chart.get_yticklabels()] == ["a", "cat", "(end)"]
    shown = panels[:3]
    assert [axes.get_title() for axes in shown] == ["a (frame 0)", "cat (frame 1)", "(end) (frame 0)"]
    assert np.array_equal(shown[1].images[0].get_array(), FRAMES[1])
    first, second = ([patch.get_alpha() for patch in axes.patches] for axes in shown[:2])
    assert first == [1, 0]
    assert second == pytest.approx([0.25, 1])
    assert [patch.get_xy() for patch in shown[1].patches] == [(10, 0), (40, 40)]
    assert not any(axes.images for axes in panels[3:])


def test_every_map_over_frames_has_a_chart_and_a_cut_caption_no_end(tmp_path):
    maps = {"global": OVER_FRAMES[:2], "local": OVER_FRAMES[:2].flip(1), "regions": OVER_REGIONS[:2]}
    figure = draw_attention(caption(**maps), path=tmp_path / "attention.png")
    assert [axes.get_title() for axes in figure.axes] == ["global", "local"]
    assert len(figure.axes[0].get_yticklabels()) == 2
    assert (tmp_path / "attention.png").stat().st_size > 1000


def test_says_what_is_missing():
    with pytest.raises(
        OptionError, match="The caption of 'v7' has no attention over frames; .* attention=True"
    ):
        draw_attention(caption())
    with pytest.raises(ShapeError, match=r"'frames' must be \[T=2, H, W, 3\], got \[3, 64, 80, 3\]"):
        draw_attention(caption(frames=OVER_FRAMES), np.zeros((3, 64, 80, 3), np.uint8))
