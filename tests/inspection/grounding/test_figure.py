import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from stgraph.errors import OptionError, ShapeError
from stgraph.inspection import Grounding, draw_grounding
from tests.inspection.grounding.models import video

FRAMES = np.zeros((4, 20, 30, 3), dtype=np.uint8)


def grounding(nodes=True):
    weights = torch.tensor([[0.0, 2.0, -1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, -3.0]])
    frames = torch.tensor([[2.0, -1.0, 0.0, 0.0], [1.0, 0.0, 0.0, -3.0]])
    frame = video().frame
    return Grounding(
        "v_1", "$5 <b>", ("$5", "(end)"), torch.tensor([0.5, 0.25]).log(), "object", "occlusion", frames,
        weights if nodes else None, frame if nodes else None,
    )  # fmt: skip


def graph():
    found = video()
    found.box = torch.tensor([[1.0, 1, 5, 5], [6, 6, 9, 9], [2, 2, 8, 8], [0, 0, 4, 4], [10, 10, 15, 15]])
    return found


def outlines(figure):
    """Corners, colour and width of the outlines of each panel, which are in order of rows and frames."""
    return [
        [
            (patch.get_bbox().extents.tolist(), patch.get_edgecolor(), patch.get_linewidth())
            for patch in axes.patches
            if isinstance(patch, Rectangle)
        ]
        for axes in figure.axes
        if axes.images
    ]


def test_boxes_are_outlined_in_their_frames_by_sign_and_size(tmp_path):
    figure = draw_grounding(grounding(), FRAMES, graph(), tmp_path / "g.svg")
    panels = outlines(figure)
    assert [len(panel) for panel in panels] == [2, 1, 0, 2] * 2
    (_, _, even), (corners, (red, _, blue, _), thick) = panels[0]
    assert corners == [6, 6, 9, 9]
    assert red > blue
    assert thick > even
    _, (red, _, blue, _), thinner = panels[1][0]
    assert blue > red
    assert even < thinner < thick
    assert panels[7][1][1][2] > panels[7][1][1][0]  # the strongest of the second row is against the word
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == [r"\$5" "\np = 0.5", "(end)\np = 0.25"]
    assert "v_1: $5 &lt;b&gt; (occlusion)" in (tmp_path / "g.svg").read_text()


def test_without_boxes_frames_are_outlined():
    panels = outlines(draw_grounding(grounding(nodes=False), FRAMES, words=[1]))
    assert [panel[0][0] for panel in panels] == [[0, 0, 30, 20]] * 4
    assert panels[3][0][2] > panels[0][0][2] > panels[1][0][2]


def test_says_what_does_not_fit():
    with pytest.raises(OptionError, match=r"'words' must be positions in 0..1, at least one, got \[2\]"):
        draw_grounding(grounding(), FRAMES, graph(), words=[2])
    with pytest.raises(ShapeError, match=r"'frames' must be \[T=4, H, W, 3\], got \[3, 20, 30, 3\]"):
        draw_grounding(grounding(), FRAMES[:3], graph())
    for other, what in ((None, "no boxes"), (graph().subgraph(torch.arange(3)), "3")):
        with pytest.raises(OptionError, match=f"'graph' must have the 5 boxes that have weights, got {what}"):
            draw_grounding(grounding(), FRAMES, other)
