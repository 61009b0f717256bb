"""Log-probabilities of a caption's words without some of the boxes or frames."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import OptionError, ShapeError
from stgraph.graph import VideoGraph
from stgraph.inspection.grounding.caption_words import CaptionWords
from stgraph.inspection.grounding.gradients import Baseline, baseline_of
from stgraph.pipeline import CaptionPipeline, VideoInput
from stgraph.typing import Count

__all__ = ["log_probs_without", "occlusion"]


@checked
def log_probs_without(
    captioner: CaptionPipeline,
    video: VideoInput,
    removed: Tensor,
    caption: str | None = None,
    *,
    branch: str | None = None,
    batch_size: Count = 64,
) -> Tensor:
    """Log-probabilities of a caption's words after boxes are removed from the graph, with all of their edges.

    The weights of the other edges stay as they are.

    Args:
        captioner: The model.
        video: What the pipeline captions.
        removed: True for the boxes that are removed, one row for each of R changed graphs.
        caption: The caption; None is the model's own, of the whole graph.
        branch: Branch of the model; None is the one that is evaluated.
        batch_size: Graphs that are scored at once.

    Returns:
        One row for each changed graph.

    Shapes: removed ``[R, N]`` bool -> ``[R, L]``, for N boxes and L words, the end token included.

    Raises:
        OptionError: If the branch reads no boxes, or the caption has a word that the model does not know.
        ShapeError: If ``removed`` has other axes.
    """
    words = CaptionWords.of(captioner, video, caption, branch)
    if "x" not in words.streams:
        raise OptionError(
            f"The branch '{words.branch}' reads no boxes, which could be removed; choose another."
        )
    number = int(words.graph.x.size(0))
    removed = torch.as_tensor(removed)
    if removed.dtype != torch.bool or removed.dim() != 2 or removed.size(1) != number:
        raise ShapeError(
            f"'removed' must be bool [R, N={number}], got {removed.dtype} {list(removed.shape)}; it has one column per box."
        )
    removed = removed.to(words.tokens.device)
    return words.log_probs_of_all([words.graph.subgraph(~row) for row in removed], batch_size).cpu()


def occlusion(
    words: CaptionWords, baseline: Baseline, batch_size: int
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Fall of each word's log-probability without one frame, box or cell: ``[L, T]``, ``[L, N]``, ``[L, T, S]``.

    A box is removed from the graph. The features of a cell become the baseline. Of a frame, the boxes are removed, and its
    own features and cells become the baseline.
    """
    graph, streams = words.graph, words.streams
    base = baseline_of(streams, baseline)
    number = int(graph.num_frames)
    grids = [name for name in streams if name.startswith("grid/")]
    shape = (number, streams[grids[0]].size(1)) if grids else (number, 0)
    changed = [_without_frame(graph, streams, base, frame) for frame in range(number)]
    boxes = len(graph.x) if "x" in streams else 0
    keep = ~torch.eye(boxes, dtype=torch.bool, device=words.tokens.device)
    changed += [graph.subgraph(row) for row in keep]
    changed += [
        _without_cell(graph, base, grids, *divmod(cell, shape[1])) for cell in range(shape[0] * shape[1])
    ]
    whole, left = words.log_probs_of_all([graph], 1), words.log_probs_of_all(changed, batch_size)
    falls = (whole - left).T
    frames, nodes, cells = falls.split([number, boxes, shape[0] * shape[1]], 1)
    return frames, nodes if "x" in streams else None, cells.unflatten(1, shape) if grids else None


def _without_frame(
    graph: VideoGraph, streams: dict[str, Tensor], base: dict[str, Tensor], frame: int
) -> VideoGraph:
    changed = graph.subgraph(graph.frame != frame) if "x" in streams else copy.copy(graph)
    for name in streams:
        if name != "x":
            changed[name] = streams[name].index_copy(
                0, torch.tensor([frame], device=base[name].device), base[name][[frame]]
            )
    return changed


def _without_cell(
    graph: VideoGraph, base: dict[str, Tensor], grids: list[str], frame: int, cell: int
) -> VideoGraph:
    changed = copy.copy(graph)
    for name in grids:
        changed[name] = graph[name].clone()
        changed[name][frame, cell] = base[name][frame, cell]
    return changed
