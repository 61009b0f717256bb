"""The page of a report: scores with intervals, curves of the training, and captions next to references."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from stgraph.checking import checked
from stgraph.drawing import colour_by_value, picture_text, styled
from stgraph.errors import OptionError, shown
from stgraph.files import draw_figure, write_text
from stgraph.inspection.caption_figures import CaptionExample
from stgraph.inspection.html.parts import data_url, page_part, template
from stgraph.metrics import CaptionScores, bootstrap_intervals

__all__ = ["ScoredModel", "write_report"]

Curve = Sequence[tuple[float, float]]


@checked
@dataclass(frozen=True, eq=False)
class ScoredModel:
    """A model in a report.

    Args:
        name: Its name.
        scores: Its scores on the videos of a split.
        curves: Points (step, value) of what was logged during training, by name.
    """

    name: str
    scores: CaptionScores
    curves: Mapping[str, Curve] = field(default_factory=dict)


@checked
def write_report(
    path: str | Path,
    examples: Sequence[CaptionExample],
    models: Sequence[ScoredModel] = (),
    *,
    title: str = "Captions",
) -> None:
    """Writes scores, curves and captions as one HTML file that needs no network and no script.

    Args:
        path: File to write.
        examples: Videos with captions, references and some frames.
        models: Models with their scores, in the order of the table.
        title: Title of the page.

    Raises:
        OptionError: If there is neither an example nor a model.
        WriteError: If the file cannot be written.
    """
    if not examples and not models:
        raise OptionError("'examples' or 'models' must hold at least one, got none.")
    metrics = list(dict.fromkeys(metric for model in models for metric in model.scores))
    names = {name for model in models for name in model.curves}
    text = "Curves of the training: " + ", ".join(sorted(names))
    page = template("report.html").render(
        title=shown(title),
        facts=f"Captions of {len(examples):,} video{'s' * (len(examples) != 1)}",
        metrics=[shown(metric) for metric in metrics],
        models=[_row(model, metrics) for model in models],
        curves=_picture(models, sorted(names)) if names else None,
        curve_text=shown(text),
        examples=[_example(each) for each in examples],
        style=page_part("page.css"),
    )
    write_text(path, page)


def _row(model: ScoredModel, metrics: Sequence[str]) -> dict[str, object]:
    intervals = bootstrap_intervals(model.scores)
    cells = [
        {
            "score": f"{100 * model.scores[metric]:.1f}" if metric in model.scores else "-",
            "interval": f"{100 * intervals[metric].low:.1f} to {100 * intervals[metric].high:.1f}"
            if metric in intervals
            else "",
        }
        for metric in metrics
    ]
    return {"name": shown(model.name), "cells": cells}


def _example(example: CaptionExample) -> dict[str, object]:
    frames = [] if example.frames is None else list(example.frames)
    return {
        "video": shown(example.video_id),
        "captions": [(shown(name), shown(text, 10_000)) for name, text in example.captions.items()],
        "references": [shown(sentence, 10_000) for sentence in example.references],
        "pictures": [data_url(frame, 110) for frame in frames],
    }


@styled
def _picture(models: Sequence[ScoredModel], names: Sequence[str]) -> str:
    """A panel per logged value, a line per model, as the address of an SVG."""
    figure = Figure(figsize=(3.2 * len(names), 2.4), layout="constrained")
    colours = colour_by_value(model.name for model in models)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for model in models:
            if points := model.curves.get(name):
                axes.plot(
                    *zip(*points, strict=True), color=colours[model.name], label=picture_text(model.name, 40)
                )
        axes.set_title(picture_text(name, 40))
        axes.set_xlabel("step")
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if len(models) > 1:
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    stream = io.BytesIO()
    draw_figure(figure, stream, "svg")
    return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
