import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from stgraph.errors import OptionError, ShapeError
from stgraph.inspection import RegionLayout, draw_attention
from stgraph.pipeline import Caption
from tests.inspection.test_pictures import two_by_two

FRAMES = np.random.default_rng(0).integers(0, 255, (2, 64, 80, 3), dtype=np.uint8)


def caption(**attention):
    return Caption("v7", "a cat", (-0.1, -0.2, -0.3), attention)


OVER_FRAMES = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
OVER_REGIONS = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.2, 0.8]], [[0.5, 0.5], [0.0, 1.0]]])


def parts_of(figure, number):
    """The axes that show something in each part of the figure, without colour bars."""
    parts = [
        [axes for axes in part.axes if axes.axison and axes.get_label() != "<colorbar>"]
        for part in figure.subfigs
    ]
    assert len(parts) == number
    return parts


def test_each_word_shows_its_frame_and_boxes_by_their_weights():
    figure = draw_attention(caption(ts_frames=OVER_FRAMES, ts_regions=OVER_REGIONS), FRAMES, two_by_two())
    strip, chart, panels = parts_of(figure, 3)
    assert [axes.get_title() for axes in strip] == ["frame 0", "frame 1"]
    assert np.array_equal(strip[1].images[0].get_array(), FRAMES[1])
    chart = chart[0]
    assert np.array_equal(chart.images[0].get_array(), OVER_FRAMES.numpy())
    assert [label.get_text() for label in chart.get_yticklabels()] == ["a", "cat", "(end)"]
    shown = panels[:3]
    titles = ["a (frame 0: 0.90)", "cat (frame 1: 0.80)", "(end) (frame 0: 0.50)"]
    assert [axes.get_title() for axes in shown] == titles
    assert (chart.images[0].norm.vmin, chart.images[0].norm.vcenter) == (0, 0.5)  # white is the even share
    assert np.array_equal(shown[1].images[0].get_array(), FRAMES[1])
    first, second = ([patch.get_alpha() for patch in axes.patches] for axes in shown[:2])
    assert first == [1, 0]
    assert second == pytest.approx([0.25, 1])
    assert [patch.get_xy() for patch in shown[1].patches] == [(10, 0), (40, 40)]
    assert [text.get_text() for text in shown[1].texts] == ["0.80"]
    assert len(panels) == 3


def test_every_map_over_frames_has_a_chart_and_a_cut_caption_no_end(tmp_path):
    maps = {"global": OVER_FRAMES[:2], "local": OVER_FRAMES[:2].flip(1), "regions": OVER_REGIONS[:2]}
    figure = draw_attention(caption(**maps), path=tmp_path / "attention.png")
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["global", "local"]
    assert len(figure.axes[0].get_yticklabels()) == 2
    assert (tmp_path / "attention.png").stat().st_size > 1000


def colours_at(figure, axes, points):
    """RGB of the rendered figure at pixels x, y of a frame."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())
    places = axes.transData.transform(points)
    return [picture[len(picture) - 1 - int(y), int(x), :3].astype(int) for x, y in places]


@pytest.mark.parametrize("area", [None, (8.0, 0.0, 72.0, 64.0)])
def test_cells_of_a_grid_are_drawn_over_their_place(area):
    cells = torch.zeros(1, 2, 6)  # 2 rows of 3 cells, and a box that must stay out of the map
    cells[0, 1, 5] = 0.7  # lower row, last column
    cells[0, 1, 1] = 0.3
    words = {
        "ts_frames": torch.tensor([[0.1, 0.9]]),
        "ts_regions": torch.cat([cells, torch.ones(1, 2, 1)], 2),
    }
    dark = np.zeros((2, 64, 80, 3), np.uint8)
    layout = RegionLayout(grid=(2, 3), boxes=False, area=area)
    figure = draw_attention(caption(**words), dark, layout=layout)
    panel = parts_of(figure, 3)[2][0]
    x1, _, x2, _ = area or (0, 0, 80, 64)
    wide = (x2 - x1) / 3
    centres = [(x1 + (column + 0.5) * wide, (row + 0.5) * 32) for row in (0, 1) for column in (0, 1, 2)]
    brightness = [colour.sum() for colour in colours_at(figure, panel, centres)]
    assert np.argsort(brightness)[::-1][:2].tolist() == [5, 1]
    assert max(brightness[place] for place in (0, 2, 3, 4)) < 30
    inside, outside = colours_at(figure, panel, [(x2 - 1, 60), (x1 + 2 * wide - 1, 60)])
    assert inside.sum() > 300 > outside.sum()
    if area is not None:
        assert colours_at(figure, panel, [(4, 60), (76, 60)])[1].sum() < 30  # outside of the crop


def test_boxes_follow_the_cells_and_the_whole_frame_is_not_a_box():
    regions = torch.zeros(1, 2, 4 + 2 + 1)  # cells, two boxes, the whole frame
    regions[0, 0] = torch.tensor([0.1, 0.0, 0.0, 0.0, 0.2, 0.4, 0.3])
    words = {"ts_frames": torch.tensor([[0.9, 0.1]]), "ts_regions": regions}
    figure = draw_attention(caption(**words), FRAMES, two_by_two(), layout=RegionLayout(grid=(2, 2)))
    panel = parts_of(figure, 3)[2][0]
    assert [patch.get_alpha() for patch in panel.patches] == pytest.approx([0.5, 1])
    assert [text.get_text() for text in panel.texts] == ["0.40"]


def test_without_attention_over_frames_the_strongest_region_chooses_the_frame():
    figure = draw_attention(caption(st_regions=OVER_REGIONS), FRAMES, two_by_two())
    titles = [axes.get_title() for axes in parts_of(figure, 3)[2]]
    assert titles[2] == "(end) (frame 1: 1.00)"


def test_text_is_shown_as_it_is(tmp_path):
    strange = Caption("v\x1b[31m_$1", "costs $5 or $x_2$", (0.0,) * 5, {"ts_frames": torch.full((5, 2), 0.5)})
    draw_attention(strange, path=tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert r"v\x1b[31m_$1: costs $5 or $x_2$" in text
    assert ">$x_2$</text>" in text


def test_says_what_is_missing():
    with pytest.raises(
        OptionError, match="The caption of 'v7' has no attention over frames; .* attention=True"
    ):
        draw_attention(caption())
    with pytest.raises(ShapeError, match=r"'frames' must be \[T=2, H, W, 3\], got \[3, 64, 80, 3\]"):
        draw_attention(caption(frames=OVER_FRAMES), np.zeros((3, 64, 80, 3), np.uint8))
