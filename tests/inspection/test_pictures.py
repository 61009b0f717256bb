import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from PIL import Image

from stgraph.errors import OptionError, ShapeError
from stgraph.graph import VideoGraph, VideoGraphBuilder
from stgraph.inspection import draw_graph
from tests.graph.samples import random_video

FRAMES = np.random.default_rng(0).integers(0, 255, (10, 64, 80, 3), dtype=np.uint8)


def two_by_two():
    """Two objects in each of two frames; time edges 0 -> 2 and 1 -> 3 are strong, the crossing ones weak."""
    return VideoGraph(
        x=torch.ones(4, 1),
        edge_index=torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3], [0, 1, 2, 3, 0, 1, 2, 3, 2, 3, 2, 3]]),
        edge_weight=torch.tensor([0.6, 0.4, 0.9, 0.1, 0.4, 0.6, 0.2, 0.8, 0.6, 0.4, 0.4, 0.6]),
        edge_kind=torch.tensor([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0]),
        frame=torch.tensor([0, 0, 1, 1]),
        time=torch.tensor([0.0, 0.0, 0.5, 0.5]),
        box=torch.tensor([[0.0, 0, 20, 20], [40, 30, 60, 50], [10, 0, 30, 20], [40, 40, 60, 60]]),
        score=torch.tensor([0.9, 0.8, 0.7, 0.6]),
        label=torch.tensor([0, 1, 0, -1]),
        track=torch.tensor([5, 6, 5, 6]),
        num_frames=2,
    )


def lines_of(figure, style):
    return [
        line for line in figure.get_children() if isinstance(line, Line2D) and line.get_linestyle() == style
    ]


def texts_of(figure):
    return [
        " ".join(text.get_text().split()) for text in figure.texts
    ]  # without the line breaks of wrapped text


def test_draws_what_the_graph_says():
    figure = draw_graph(two_by_two(), FRAMES[:2], label_names=["cat", "box"], title="a cat")
    assert len(figure.axes) == 2
    for t, axes in enumerate(figure.axes):
        assert np.array_equal(axes.images[0].get_array(), FRAMES[t])
    corners = [[patch.get_xy() for patch in axes.patches] for axes in figure.axes]
    assert corners == [[(0, 0), (40, 30)], [(10, 0), (40, 40)]]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["frame 0 (0.0 s)", "frame 1 (0.5 s)"]
    assert texts_of(figure)[:4] == ["cat 0.90", "box 0.80", "cat 0.70", "0.60"]
    assert "a cat" in texts_of(figure)
    assert len(lines_of(figure, ":")) == 2  # one pair in each frame
    solid = lines_of(figure, "-")
    marks = [line for line in solid if line.get_marker() == "o"]
    strong, less = [line for line in solid if line.get_marker() != "o"]  # the weak time edges are not there
    assert len(marks) == 4
    assert strong.get_linewidth() > less.get_linewidth()


def test_lines_end_in_the_centres_of_boxes():
    figure = draw_graph(two_by_two(), FRAMES[:2])
    figure.canvas.draw()
    line = next(line for line in lines_of(figure, "-") if line.get_marker() != "o")
    on_page = figure.transFigure.transform(line.get_xydata())
    for axes, point, centre in zip(figure.axes, on_page, [(10, 10), (20, 10)], strict=True):
        assert axes.transData.inverted().transform(point) == pytest.approx(centre, abs=0.01)


def test_tracks_keep_their_colour():
    figure = draw_graph(two_by_two(), FRAMES[:2])
    first, second = ([to_hex(patch.get_edgecolor()) for patch in axes.patches] for axes in figure.axes)
    assert first == second
    assert first[0] != first[1]
    graph = two_by_two()
    graph.track = torch.full((4,), -1)
    graph.label = torch.tensor([1, 2, 2, 1])  # without tracks the class decides
    first, second = (
        [to_hex(patch.get_edgecolor()) for patch in axes.patches]
        for axes in draw_graph(graph, FRAMES[:2]).axes
    )
    assert first == second[::-1]


def test_new_row_is_reached_in_two_pieces():
    video = random_video(1, counts=[1] * 10)
    figure = draw_graph(VideoGraphBuilder(score_threshold=0.0)(video), FRAMES)
    lines = [line for line in lines_of(figure, "-") if line.get_marker() != "o"]
    assert len(lines) == 8 + 2
    assert all(0 <= share <= 1 for line in lines for share in line.get_xydata().ravel())


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_writes_the_file_it_was_asked_for(tmp_path, suffix):
    path = tmp_path / f"graph.{suffix}"
    draw_graph(
        VideoGraphBuilder()(random_video(1, num_frames=10), video_id="cat"), torch.from_numpy(FRAMES), path
    )
    start = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[suffix]
    assert path.read_bytes().startswith(start)
    if suffix == "png":
        picture = np.asarray(Image.open(path).convert("RGB"))
        assert picture.shape[1] > 1500
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 1000  # the frames are on it


def test_frames_without_objects_and_padding():
    builder = VideoGraphBuilder(score_threshold=0.0, max_objects=3, pad_objects=3)
    figure = draw_graph(builder(random_video(1, counts=[2, 0, 1])), FRAMES[:3])
    assert [len(axes.patches) for axes in figure.axes] == [2, 0, 1]
    assert figure.axes[1].get_title(loc="left").endswith("no objects")
    empty = draw_graph(VideoGraphBuilder(score_threshold=2.0)(random_video(1, num_frames=3)), FRAMES[:3])
    assert [len(axes.patches) for axes in empty.axes] == [0, 0, 0]


def test_dense_edges_across_frames_are_counted_not_drawn():
    video = random_video(1, counts=[2, 1])
    figure = draw_graph(VideoGraphBuilder.dense(score_threshold=0.0)(video), FRAMES[:2])
    assert [line for line in lines_of(figure, "-") if line.get_marker() != "o"] == []
    assert len(lines_of(figure, ":")) == 1
    assert any("4 further edges between frames are not drawn" in text for text in texts_of(figure))


def test_captions_do_not_cover_each_other():
    video = random_video(1, counts=[5])
    graph = VideoGraphBuilder(score_threshold=0.0)(video)
    graph.box[:] = torch.tensor([10.0, 10, 30, 30])
    figure = draw_graph(graph, FRAMES[:1])
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts[:5]]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_wrong_frames_are_refused():
    graph = two_by_two()
    with pytest.raises(ShapeError, match=r"'frames' must be \[T=2, H, W, 3\], got \[10, 64, 80, 3\]"):
        draw_graph(graph, FRAMES)
    with pytest.raises(ShapeError, match=r"'frames' must be \[T=2, H, W, 3\], got \[2, 3, 64, 80\]"):
        draw_graph(graph, FRAMES[:2].transpose(0, 3, 1, 2))
    graph.num_frames = 41
    with pytest.raises(OptionError, match="'frames' must be at most 40 to fit a page, got 41; sample fewer"):
        draw_graph(graph, np.zeros((41, 8, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize("lines", [1, 3])
def test_every_line_of_the_title_is_on_the_page_and_above_the_panels(lines):
    title = "\n".join(["a cat and a box"] * lines)
    figure = draw_graph(two_by_two(), FRAMES[:2], title=title)
    (text,) = [text for text in figure.texts if text.get_text() == title]
    figure.canvas.draw()
    extent = text.get_window_extent()
    assert extent.y1 <= figure.bbox.y1
    assert extent.y0 >= max(axes.get_window_extent().y1 for axes in figure.axes)


def test_colours_follow_what_is_present():
    graph = two_by_two()
    graph.track = torch.tensor([70, 61, 70, 61])  # these differ by nine, the number of colours
    first, second = (to_hex(patch.get_edgecolor()) for patch in draw_graph(graph, FRAMES[:2]).axes[0].patches)
    assert first != second
    graph.track = torch.tensor([5, 6, 5, 6])
    again = [to_hex(patch.get_edgecolor()) for patch in draw_graph(graph, FRAMES[:2]).axes[0].patches]
    assert again == [first, second]


def test_arrows_point_along_the_edges():
    graph = two_by_two()
    figure = draw_graph(graph, FRAMES[:2])
    arrows = [patch for patch in figure.get_children() if isinstance(patch, Polygon)]
    assert len(arrows) == 2  # of the strong time edges; edges within a frame go both ways
    size = figure.get_size_inches()
    lines = [line for line in lines_of(figure, "-") if line.get_marker() != "o"]
    for arrow, line in zip(arrows, lines, strict=True):
        tip, *base = arrow.get_xy()[:3] * size
        end = line.get_xydata()[1] * size
        assert np.hypot(*(end - tip)) < np.hypot(*(end - np.mean(base, 0)))
    one_way = graph.edge_subgraph(~((graph.edge_index[0] == 1) & (graph.edge_index[1] == 0)))
    figure = draw_graph(one_way, FRAMES[:2])
    assert len([patch for patch in figure.get_children() if isinstance(patch, Polygon)]) == 3


def test_nothing_ends_outside_the_page():
    graph = two_by_two()
    graph.box[0] = torch.tensor([-300.0, -300, 20, 20])  # a detector's box may exceed the frame
    title = "a cat of a very long name " * 20
    figure = draw_graph(
        graph, FRAMES[:2], label_names=["a class of " + "long " * 30 + "name"] * 2, title=title
    )
    figure.canvas.draw()
    for text in figure.texts:
        extent = text.get_window_extent()
        assert figure.bbox.x0 <= extent.x0
        assert extent.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= extent.y0
        assert extent.y1 <= figure.bbox.y1
    for line in lines_of(figure, "-"):
        assert ((line.get_xydata() >= 0) & (line.get_xydata() <= 1)).all()


def test_text_is_text():
    figure = draw_graph(two_by_two(), FRAMES[:2], label_names=["a $x_1$", "b\x1b[2J"], title="from $5 to $9")
    figure.canvas.draw()
    assert r"a \$x_1\$ 0.90" in texts_of(figure)  # \$ is drawn as a dollar sign
    assert r"b\x1b[2J 0.80" in texts_of(figure)
    assert r"from \$5 to \$9" in texts_of(figure)


def test_captions_without_room_in_their_panel_are_left_out():
    graph = VideoGraphBuilder(score_threshold=0.0)(random_video(1, counts=[60]))
    graph.box[:] = torch.tensor([10.0, 10, 30, 30])
    figure = draw_graph(graph, FRAMES[:1])
    figure.canvas.draw()
    panel = figure.axes[0].get_window_extent()
    captions = [text for text in figure.texts if text.get_fontsize() == 5.5]
    assert 5 < len(captions) < 60
    assert all(panel.y0 <= text.get_window_extent().y0 for text in captions)
