"""Pictures of confusion matrices."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from stgraph.checking import checked
from stgraph.files import save_figure
from stgraph.metrics import Predictions

__all__ = ["draw_confusion"]


@checked
def draw_confusion(
    predictions: Predictions, path: str | Path | None = None, title: str | None = None
) -> Figure:
    """Draws which classes were taken for which: a row per true class, in shares of the row, with the counts written in.

    Args:
        predictions: Predictions with one class per target.
        path: File to write, in the format of its suffix (.png, .pdf, .svg); None writes no file.
        title: Title of the figure; None is the accuracy.

    Returns:
        The figure.

    Raises:
        OptionError: If targets have several classes, or the suffix is unknown.
        WriteError: If the file cannot be written.
    """
    counts, names = predictions.confusion(), predictions.classes
    share = counts / counts.sum(1, keepdims=True).clip(min=1)
    side = 1.8 + 0.5 * len(names)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.colorbar(image, label="share of the true class")
    axes.set_title(f"accuracy {predictions.scores()['accuracy']:.2f}" if title is None else title)
    if path is not None:
        save_figure(figure, path, dpi=150)
    return figure
