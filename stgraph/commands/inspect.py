"""``stgraph inspect VIDEO|STORE|RUN [ID] -o page.html``: a page of a video, its graph and its captions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.commands.early_checks import composed
from stgraph.commands.figure_inputs import TrainedRun, short_names
from stgraph.commands.one_video import OneVideo, open_video
from stgraph.errors import MissingDataError, OptionError, shown
from stgraph.inspection import GROUNDING_METHODS, CaptionView, ground_caption, write_page

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """Runs ``stgraph inspect``."""
    chosen = parser_of("inspect").parse_intermixed_args(arguments)
    if chosen.output.suffix.lower() != ".html":
        raise OptionError(f"FILE must end in .html, got '{shown(chosen.output.name)}'.")
    if not chosen.output.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.output}; make it first.")
    if chosen.method not in GROUNDING_METHODS:
        raise OptionError(
            f"'--method' must be one of {', '.join(GROUNDING_METHODS)}, got '{shown(chosen.method)}'."
        )
    config = composed("inspect", chosen)
    video = open_video(chosen, config)
    for option in ("compare", "branch"):
        if getattr(chosen, option) and video.run is None:
            raise OptionError(
                f"'--{option}' is about captions, which a run has; name a run in place of {chosen.source}."
            )
    runs = [] if video.run is None else [video.run, *(TrainedRun(path, config) for path in chosen.compare)]
    names = short_names([each.folder for each in runs]) if runs else []
    views = [
        view
        for name, each in zip(names, runs, strict=True)
        for view in _views(name if len(runs) > 1 else "", each, video, chosen.branch, chosen.method)
    ]
    frames = None if chosen.no_frames else video.frames()
    write_page(
        chosen.output,
        video.graph,
        None if frames is None else np.stack(list(frames)),
        captions=views,
        references=() if video.run is None else video.run.references_of(video.video),
        label_names=video.label_names,
        title=video.title,
        size=video.features.size,
    )
    for view in views:
        say(f"{view.name}: {' '.join(view.words).removesuffix(' (end)')}")
    say(f"Wrote {chosen.output}.")
    return 0


def _views(name: str, run: TrainedRun, video: OneVideo, branch: str | None, method: str) -> list[CaptionView]:
    """Captions of the branches of a model; boxes are lit if they are those of the page, frames likewise."""
    model = run.captioner.model
    if branch is not None:
        model.check_branch(branch)
    found = []
    for each in (branch,) if branch is not None else model.branches:
        features = run.features_of(video.video, each)
        grounding = ground_caption(run.captioner, features, method=method, branch=each)  # type: ignore[arg-type]
        title = " ".join(part for part in (name, each if len(model.branches) > 1 else "") if part)
        view = CaptionView.of(grounding, title or Path(run.folder).name)
        if not torch.equal(features.frame_index, video.features.frame_index):
            say(
                f"{view.name} sees other frames than those of the page, so its words light nothing.",
                error=True,
            )
            view = CaptionView(view.name, view.words, scores=view.scores)
        elif grounding.nodes is not None and not _same_boxes(run, features, each, video):
            say(
                f"{view.name} sees other boxes than those of the page, so its words light frames only.",
                error=True,
            )
            view = CaptionView(view.name, view.words, view.frames, scores=view.scores)
        found.append(view)
    return found


def _same_boxes(run: TrainedRun, features: object, branch: str, video: OneVideo) -> bool:
    graph = run.captioner.graph_of(features, branch)  # type: ignore[arg-type]
    return torch.equal(graph.box.cpu(), video.graph.box) and torch.equal(graph.frame.cpu(), video.graph.frame)
