import numpy as np
import pytest
import torch
from PIL import ImageColor

from stgraph.drawing import COLOURS
from stgraph.errors import DataError, ShapeError
from stgraph.graph import VideoGraphBuilder
from stgraph.inspection import write_graph_video
from stgraph.inspection.graph_video import _Painter
from stgraph.video import VideoReader
from tests.graph.samples import random_video
from tests.inspection.test_pictures import two_by_two

BLACK = np.zeros((2, 480, 480, 3), dtype=np.uint8)


def near(picture, x, y, colour):
    red, green, blue = ImageColor.getrgb(colour)
    patch = picture[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).astype(int)
    return bool((abs(patch - [red, green, blue]).max(1) < 12).any())


def test_boxes_edges_and_tracks_are_where_the_graph_has_them():
    graph = two_by_two()
    graph.box = graph.box * 6 + 60  # in frames of 480 x 480, which are not enlarged
    painter = _Painter(graph, ["cat", "box"], None)
    first, second = painter.paint(0, BLACK[0]), painter.paint(1, BLACK[1])
    for x, y in ((60, 120), (180, 120), (120, 180)):  # sides of the cat's box in frame 0
        assert near(first, x, y, COLOURS[0])
    assert near(first, 300, 300, COLOURS[1])
    assert near(first, 240, 210, "#ffffff")  # the edge within the frame, from (120, 120) to (360, 300)
    assert not near(first, 150, 122, COLOURS[0])  # no arrow, as nothing comes before
    assert near(second, 150, 120, COLOURS[0])  # the arrow of the strong time edge, (120, 120) to (180, 120)
    assert near(second, 360, 330, COLOURS[1])
    assert not near(second, 60, 120, COLOURS[0])  # the box of frame 0 is gone


def test_small_frames_are_enlarged_and_sides_are_even(tmp_path):
    graph = VideoGraphBuilder()(random_video(1, counts=[2, 1]))
    write_graph_video(tmp_path / "graph.mp4", graph, np.zeros((2, 33, 41, 3), dtype=np.uint8))
    with VideoReader(tmp_path / "graph.mp4") as reader:
        assert reader.size == (480, 596)


@pytest.mark.parametrize(
    ("time", "frames", "fps"),
    [
        (None, 10, 10.0),
        (torch.tensor([0.0, float("nan")]), 10, 10.0),
        (torch.tensor([3.0, 5.0]), 40, 10.0),
        (torch.tensor([0.0, 0.04]), 2, 25.0),
    ],
)
def test_each_frame_is_shown_until_the_time_of_the_next(tmp_path, time, frames, fps):
    bright = np.stack([BLACK[0], BLACK[1] + 200])
    write_graph_video(tmp_path / "graph.mp4", two_by_two(), iter(bright), time=time)
    with VideoReader(tmp_path / "graph.mp4") as reader:
        assert reader.num_frames == frames
        assert reader.fps == pytest.approx(fps)
        shown = reader.read(range(frames)).float().mean((1, 2, 3)) > 100
        assert shown.tolist() == [t >= frames // 2 for t in range(frames)]


def test_hundreds_of_boxes_have_names_only_where_they_fit():
    graph = VideoGraphBuilder()(random_video(1, counts=[100, 100]))
    painter = _Painter(graph, None, None)
    assert len(painter.edges.inside) <= 2 * 2 * 60
    assert len(painter.edges.onward) <= 60
    assert painter.edges.faint > 5_000
    assert f"{painter.edges.faint:,} edges of the video are not drawn" in painter._line(0)


def test_what_cannot_be_drawn_is_refused(tmp_path):
    path, graph = tmp_path / "graph.mp4", two_by_two()
    for count, got in ((1, "got 1"), (3, "got more")):
        frames = np.zeros((count, 8, 8, 3), dtype=np.uint8)
        with pytest.raises(ShapeError, match=f"'frames' must be T=2 frames, {got}"):
            write_graph_video(path, graph, frames)
    with pytest.raises(
        ShapeError, match=r"Each of 'frames' must be uint8 \[H, W, 3\], got uint8 \[3, 8, 8\]"
    ):
        write_graph_video(path, graph, np.zeros((2, 3, 8, 8), dtype=np.uint8))
    with pytest.raises(ShapeError, match=r"'time' must be \[T=2\]"):
        write_graph_video(path, graph, None, time=torch.zeros(3))
    with pytest.raises(DataError, match="must end in .mp4"):
        write_graph_video(tmp_path / "graph.txt", graph, None)
    assert list(tmp_path.iterdir()) == []
