import numpy as np
import pytest

from stgraph.errors import OptionError
from stgraph.inspection import draw_confusion
from stgraph.metrics import Predictions


def test_counts_are_written_where_they_belong(tmp_path):
    scores = np.eye(3)[[0, 0, 1, 2, 2, 0]]
    found = Predictions(scores, np.array([0, 0, 1, 1, 2, 2]), ("open", "close", "drink"))
    figure = draw_confusion(found, tmp_path / "confusion.png")
    axes = figure.axes[0]
    written = {
        (round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in axes.texts
    }
    assert written == {(0, 0): "2", (1, 1): "1", (1, 2): "1", (2, 2): "1", (2, 0): "1"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["open", "close", "drink"]
    assert axes.images[0].get_array()[1].tolist() == [0, 0.5, 0.5]
    assert axes.get_title() == "accuracy 0.67"
    assert (tmp_path / "confusion.png").stat().st_size > 1000


def test_several_classes_have_no_confusion():
    with pytest.raises(OptionError, match="one class per target"):
        draw_confusion(Predictions(np.ones((2, 2)), np.ones((2, 2), bool), ("a", "b")))
