"""``stgraph graph VIDEO|STORE|RUN [ID] -o FILE``: the graph of a video as a file, a picture, a page or a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stgraph.commands.argument_lists import GRAPH_FILES
from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.commands.early_checks import composed
from stgraph.commands.one_video import OneVideo, open_video
from stgraph.errors import MissingDataError, OptionError, shown
from stgraph.inspection import draw_graph, write_graph_video, write_page

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """Runs ``stgraph graph``."""
    chosen = parser_of("graph").parse_intermixed_args(arguments)
    ending = chosen.output.suffix.lower()
    if ending not in GRAPH_FILES:
        raise OptionError(f"FILE must end in {', '.join(GRAPH_FILES)}, got '{shown(chosen.output.name)}'.")
    if not chosen.output.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.output}; make it first.")
    video = open_video(chosen, composed("graph", chosen))
    _write(chosen.output, video, show_frames=not chosen.no_frames)
    graph = video.graph
    say(
        f"Wrote {chosen.output}: {graph.num_frames} frames, {graph.num_nodes} objects, {graph.num_edges} edges."
    )
    return 0


def _write(path: Path, video: OneVideo, *, show_frames: bool) -> None:
    graph, names, size = video.graph, video.label_names, video.features.size
    ending = path.suffix.lower()
    if ending in (".graphml", ".gexf", ".json", ".pt"):
        graph.save(path, label_names=names or None)
        return
    frames = video.frames() if show_frames else None
    if ending == ".mp4":
        time = video.features.frame_time
        write_graph_video(path, graph, frames, time=time, label_names=names, size=size)
        return
    pixels = None if frames is None else np.stack(list(frames))
    if ending == ".html":
        write_page(path, graph, pixels, label_names=names, title=video.title, size=size)
    else:
        draw_graph(graph, pixels, path, label_names=names, title=video.title, size=size)
