"""The page of one video: frames, graph, adjacency matrix, and what each word of its captions rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.drawing import COLOURS, colour_by_value
from stgraph.errors import OptionError, ShapeError, shown
from stgraph.files import write_text
from stgraph.graph import VideoGraph
from stgraph.graph.consistency import check_graph
from stgraph.inspection.frames import shown_frames
from stgraph.inspection.graph_parts import LabelNames, extent_of, node_names, relative_weights
from stgraph.inspection.grounding import Grounding
from stgraph.inspection.html.parts import data_url, page_part, template

__all__ = ["CaptionView", "write_page"]

MOST_FRAMES, MOST_NODES, MOST_EDGES = 60, 1500, 6000
_LABELLED_NODES = 200
_IMAGE_HEIGHT = 240


@checked
@dataclass(frozen=True)
class CaptionView:
    """A caption as a page shows it, and what its words rest on.

    Args:
        name: Name of the model.
        words: The words, the end token as "(end)" if weights are given for it.
        frames: Importance of the frames for each word; None if unknown.
        nodes: Importance of the graph's nodes for each word; None if unknown.
        scores: Scores of the caption, such as its log-probability.

    Shapes: frames ``[n, T]``, nodes ``[n, N]``, not negative.
    """

    name: str
    words: Sequence[str]
    frames: Tensor | None = None
    nodes: Tensor | None = None
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls, grounding: Grounding, name: str | None = None, scores: Mapping[str, float] | None = None
    ) -> CaptionView:
        """Shows a caption with what its words rest on; negative weights light nothing.

        Args:
            grounding: What :func:`ground_caption` found.
            name: Name of the model; by default that of its branch.
            scores: Further scores, shown after the log-probability.
        """
        nodes = None if grounding.nodes is None else grounding.nodes.clamp(min=0)
        found = {"log-probability": float(grounding.log_probs.sum()), **(scores or {})}
        name = f"{grounding.branch} branch" if name is None else name
        return cls(name, grounding.words, grounding.frames.clamp(min=0), nodes, found)


@checked
def write_page(
    path: str | Path,
    graph: VideoGraph,
    frames: np.ndarray | Tensor | None = None,
    *,
    captions: Sequence[CaptionView] = (),
    references: Sequence[str] = (),
    label_names: LabelNames = None,
    title: str | None = None,
    start: int = 0,
    size: tuple[int, int] | None = None,
) -> None:
    """Writes a graph, and captions of its video, as one HTML file that needs no network.

    Edges can be filtered by weight and kind, the graph can be panned and zoomed, and a chosen word lights up the frames and
    boxes it rests on. Of long videos and large graphs the page shows 60 frames, the 1,500 boxes of highest score and the
    6,000 edges of largest relative weight, and says so.

    Args:
        path: File to write.
        graph: Graph of one video, its boxes in pixels of ``frames``.
        frames: The sampled frames, uint8 RGB; None draws boxes and edges on empty frames.
        captions: Captions of one model or several, shown next to each other.
        references: Sentences that people wrote about the video.
        label_names: Name of each class, by number.
        title: Title of the page; defaults to the video's id.
        start: First frame to show of a video that has more frames than the page.
        size: Height and width of empty frames in pixels; by default they reach to the farthest box.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        ShapeError: If ``frames``, or the weights of a caption, have other axes.
        OptionError: If ``start`` is not a frame of the video.
        DataError: If the graph is a batch or inconsistent.
        WriteError: If the file cannot be written.
    """
    check_graph(graph)
    if frames is not None:
        frames = shown_frames(frames, int(graph.num_frames))
    if not 0 <= start < max(int(graph.num_frames), 1):
        raise OptionError(f"'start' must be a frame in 0..{int(graph.num_frames) - 1}, got {start}.")
    for caption in captions:
        _check_weights(caption, graph)
    title = shown(title if title is not None else graph.get("video_id") or "Video")
    sketch = _Sketch(graph, frames, label_names, start, size)
    data = sketch.data()
    data["captions"] = [
        {
            "frames": _rows(caption.frames, sketch.kept_frames),
            "nodes": _rows(caption.nodes, sketch.kept_nodes),
        }
        for caption in captions
    ]
    page = template("page.html").render(
        title=title,
        facts=sketch.facts(),
        notes=sketch.notes,
        captions=[_described(number, caption) for number, caption in enumerate(captions)],
        references=[shown(sentence, 10_000) for sentence in references],
        most_share=data["most_share"],
        share=min(1.0, data["most_share"]),
        style=page_part("page.css"),
        script=page_part("page.js"),
        data=_json(data),
    )
    write_text(path, page)


class _Sketch:
    """What is drawn of a graph: all of it, or its most relevant part with sentences that say so."""

    def __init__(
        self,
        graph: VideoGraph,
        frames: np.ndarray | None,
        label_names: LabelNames,
        start: int,
        size: tuple[int, int] | None,
    ) -> None:
        self.graph, self.frames = graph, frames
        self.height, self.width = extent_of(graph, size) if frames is None else frames.shape[1:3]
        self.names = node_names(graph, label_names)
        self.notes: list[str] = []
        count = int(graph.num_frames)
        first = min(start, max(count - MOST_FRAMES, 0))
        self.kept_frames = torch.arange(first, min(first + MOST_FRAMES, count))
        if count > MOST_FRAMES:
            self.notes.append(f"Shown are frames {first:,} to {first + MOST_FRAMES - 1:,} of {count:,}.")
        self.kept_nodes = torch.isin(graph.frame, self.kept_frames).nonzero()[:, 0]
        if len(self.kept_nodes) > MOST_NODES:
            every = len(self.kept_nodes)
            best = graph.score[self.kept_nodes].argsort(descending=True, stable=True)[:MOST_NODES]
            self.kept_nodes = self.kept_nodes[best].sort().values
            self.notes.append(
                f"Shown are the {MOST_NODES:,} objects of highest score of {every:,} in these frames."
            )
        self.known_tracks = "track" in graph and bool((graph.track >= 0).any())

    def facts(self) -> str:
        graph = self.graph
        return f"{int(graph.num_frames):,} frames, {graph.num_nodes:,} objects, {graph.num_edges:,} edges"

    def data(self) -> dict[str, Any]:
        graph = self.graph
        nodes, legend = self._nodes()
        edges, most = self._edges()
        return {
            "width": self.width, "height": self.height, "frames": self._frames(), "nodes": nodes, "edges": edges,
            "num_edges": graph.num_edges, "most_share": most, "legend": legend, "labels": len(nodes) <= _LABELLED_NODES,
        }  # fmt: skip

    def _frames(self) -> list[dict[str, str | None]]:
        time = self.graph.get("time")
        found = []
        for t in self.kept_frames.tolist():
            seconds = time[self.graph.frame == t][:1].tolist() if time is not None else []
            known = [f" ({each:.1f} s)" for each in seconds if each == each]
            image = None if self.frames is None else data_url(self.frames[t], _IMAGE_HEIGHT)
            found.append({"number": str(t), "title": f"frame {t}{''.join(known)}", "image": image})
        return found

    def _nodes(self) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        graph, kept = self.graph, self.kept_nodes
        column = {t: place for place, t in enumerate(self.kept_frames.tolist())}
        fields = (getattr(graph, name)[kept].tolist() for name in ("frame", "box", "score"))
        kinds = [shown(self.names[i]) or "object" for i in kept.tolist()]
        tracks = graph.track[kept].tolist() if "track" in graph else [-1] * len(kept)
        keys = []
        found: list[dict[str, Any]] = []
        for frame, box, score, kind, track in zip(*fields, kinds, tracks, strict=True):
            named = f"{kind}, track {track}" if self.known_tracks and track >= 0 else kind
            keys.append(named)
            title = f"{named}, {score:.2f}, frame {frame}"
            corners = [round(each, 2) for each in box]
            found.append({"column": column[frame], "box": corners, "name": kind, "title": title})
        colours = colour_by_value(keys)  # in the order of appearance
        for node, key in zip(found, keys, strict=True):
            node["colour"] = colours[key]
        legend = [(key, colours[key]) for key in list(colours)[: len(COLOURS) - 1]]
        further = len(colours) - len(legend)
        return found, legend + ([(f"{further:,} others", COLOURS[-1])] if further > 0 else [])

    def _edges(self) -> tuple[list[tuple[int, int, float, float]], float]:
        """Edges (i, j, weight, share of the row's mean weight), and the largest share."""
        graph = self.graph
        if not graph.num_edges:
            return [], 1.0
        share, _ = relative_weights(graph)
        place = torch.full((graph.num_nodes,), -1)
        place[self.kept_nodes] = torch.arange(len(self.kept_nodes))
        inside = (place[graph.edge_index] >= 0).all(dim=0).nonzero()[:, 0]
        if len(inside) > MOST_EDGES:
            every = len(inside)
            best = share[inside].argsort(descending=True, stable=True)[:MOST_EDGES]
            inside = inside[best].sort().values
            self.notes.append(
                f"Shown are the {MOST_EDGES:,} edges of largest relative weight of {every:,} between these objects."
            )
        i, j = place[graph.edge_index[:, inside]].tolist()
        weights = [float(f"{each:.4g}") for each in graph.edge_weight[inside].tolist()]
        shares = [round(each, 4) for each in share[inside].tolist()]
        return list(zip(i, j, weights, shares, strict=True)), max([*shares, 0.01])


def _check_weights(caption: CaptionView, graph: VideoGraph) -> None:
    for name, weights, size in (
        ("frames", caption.frames, graph.num_frames),
        ("nodes", caption.nodes, graph.num_nodes),
    ):
        if weights is not None and tuple(weights.shape) != (len(caption.words), size):
            raise ShapeError(
                f"'{name}' of a caption must be [{len(caption.words)}, {size}], a row for each word and a column "
                f"for each of the {name}, got {list(weights.shape)}."
            )


def _described(number: int, caption: CaptionView) -> dict[str, Any]:
    return {
        "number": number,
        "name": shown(caption.name),
        "words": [shown(word) for word in caption.words],
        "scores": [(shown(name), f"{value:.3f}") for name, value in caption.scores.items()],
    }


def _rows(weights: Tensor | None, kept: Tensor) -> list[list[float]] | None:
    return (
        None if weights is None else [[round(each, 4) for each in row] for row in weights[:, kept].tolist()]
    )


def _json(data: object) -> str:
    """JSON that no text in it can end the script element it stands in."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
