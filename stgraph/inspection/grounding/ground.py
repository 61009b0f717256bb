"""Which frames and objects each word of a caption rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from stgraph.checking import checked
from stgraph.inspection.grounding.caption_words import CaptionWords
from stgraph.inspection.grounding.gradients import Baseline, gradient_x_input, integrated_gradients
from stgraph.inspection.grounding.removal import occlusion
from stgraph.pipeline import CaptionPipeline, VideoInput
from stgraph.typing import Count

__all__ = ["GROUNDING_METHODS", "Grounding", "ground_caption"]

Method = Literal["attention", "gradient_x_input", "integrated_gradients", "occlusion"]
GROUNDING_METHODS: tuple[Method, ...] = get_args(Method)
"""Names of the methods of :func:`ground_caption`."""


@checked
@dataclass(frozen=True, eq=False)
class Grounding:
    """Weights that say on which frames, boxes and grid cells each word of a caption rests.

    What a weight means depends on the method. Attention: a share, not negative; frames sum to 1, boxes and cells to at
    most 1. Gradient x input and integrated gradients: a part of the word's log-probability, of either sign; a frame has the
    sum of its boxes, its cells and its own features. Occlusion: the fall of the word's log-probability without the frame,
    box or cell, negative where the word becomes likelier.

    Args:
        video_id: Id of the video.
        caption: The caption as a sentence.
        words: Its L words; the last one is "(end)" for the end token, unless the caption has the model's largest length.
        log_probs: Log-probability of each word, given those before it.
        branch: Branch of the model.
        method: One of ``GROUNDING_METHODS``.
        frames: Weight of each frame.
        nodes: Weight of each box, in the order of the graph; None if the branch reads no boxes.
        frame: Frame of each box, so that ``nodes[:, frame == t]`` are those of frame t; None if the branch reads no boxes.
        cells: Weight of each grid cell; None if the branch reads no grid.
        residual: Integrated gradients only: by how much the sum of a word's weights is above the difference of its
            log-probability at the video and at the baseline. Raise ``n_steps`` where it is not small.

    Shapes: log_probs ``[L]``, frames ``[L, T]``, nodes ``[L, N]``, frame ``[N]``, cells ``[L, T, S]``, residual ``[L]``; all
        on the CPU.
    """

    video_id: str
    caption: str
    words: tuple[str, ...]
    log_probs: Tensor
    branch: str
    method: str
    frames: Tensor
    nodes: Tensor | None = None
    frame: Tensor | None = None
    cells: Tensor | None = None
    residual: Tensor | None = None


@checked
def ground_caption(
    captioner: CaptionPipeline,
    video: VideoInput,
    caption: str | None = None,
    *,
    method: Method = "attention",
    branch: str | None = None,
    baseline: Baseline = "zero",
    n_steps: Count = 50,
    batch_size: Count = 64,
) -> Grounding:
    r"""Weighs frames, boxes and grid cells by how much each word of a caption rests on them.

    With the log-probability :math:`f_l = \log p(y_l | y_{<l}, G)` of word l and the features :math:`x_i` of a box, a frame
    or a cell:

    - "attention": the share of i in the vector that the model attends to before word l, joined over branches and streams as
      the model does. It costs one pass.
    - "gradient_x_input": :math:`\sum_k (x_{ik} - b_{ik}) \, \partial f_l / \partial x_{ik}`.
    - "integrated_gradients": the same with the mean gradient on the line from the baseline b to x. The weights of all
      features sum to :math:`f_l(x) - f_l(b)`. It needs captum: ``pip install 'stgraph-captioning[explain]'``.
    - "occlusion": :math:`f_l(G) - f_l(G \setminus i)`, where a box leaves with its edges. It costs one pass for each
      frame, box and cell.

    Gradients leave the edges as they are, although their weights come from the same features.

    Args:
        captioner: The model.
        video: What the pipeline captions: a file, features, a graph or detections.
        caption: The caption to explain; None is the model's own, greedily generated.
        method: Method, see above.
        branch: Branch of the model; None is the one that is evaluated.
        baseline: Features that stand for nothing, where a method needs them: "zero", or the "mean" over the frames or boxes
            of the video. Take the mean for a model with ``input_norm="layer"``, which has a jump at zero.
        n_steps: Points of the line for integrated gradients.
        batch_size: Graphs that are processed at once.

    Returns:
        The weights.

    Raises:
        OptionError: If an argument is out of its range, the caption has a word that the model does not know, or the model
            does not define its attention as shares.
        DataError: If the video lacks a stream that the branch reads.
        DependencyError: If captum is needed and not installed.

    Reference: Simonyan et al., 2014 (gradients); Sundararajan et al., ICML 2017 (integrated gradients); Zeiler and Fergus,
        ECCV 2014 (occlusion).
    """
    words = CaptionWords.of(captioner, video, caption, branch)
    residual = None
    if method == "attention":
        found, graphs = words.with_attention()
        shares = captioner.model.attention_shares(found, graphs, words.branch)
        frames, nodes, cells = shares.frames, shares.nodes, shares.cells
    elif method == "occlusion":
        frames, nodes, cells = occlusion(words, baseline, batch_size)
    elif method == "gradient_x_input":
        frames, nodes, cells = _by_place(words, gradient_x_input(words, baseline))
    else:
        parts, residual = integrated_gradients(words, baseline, n_steps, batch_size)
        frames, nodes, cells = _by_place(words, parts)
        residual = residual.detach().cpu()
    log_probs = words.log_probs_of_all([words.graph], 1)[0]
    return Grounding(
        video_id=words.graph.get("video_id") or "",
        caption=words.text,
        words=words.words,
        log_probs=log_probs.cpu(),
        branch=words.branch,
        method=method,
        frames=frames.detach().cpu(),
        nodes=None if nodes is None else nodes.detach().cpu(),
        frame=None if nodes is None else words.graph.frame.cpu(),
        cells=None if cells is None else cells.detach().cpu(),
        residual=residual,
    )


def _by_place(words: CaptionWords, parts: dict[str, Tensor]) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Sums weights of features ``[L, ..., F]`` by frame, box and cell."""
    count, number = len(words.tokens), int(words.graph.num_frames)
    frames = next(iter(parts.values())).new_zeros(count, number)
    nodes = cells = None
    for name, part in parts.items():
        weights = part.sum(-1)
        if name == "x":
            nodes = weights
            frames = frames.index_add(1, words.graph.frame, weights)
        elif weights.dim() == 3:
            cells = weights if cells is None else cells + weights
            frames = frames + weights.sum(2)
        else:
            frames = frames + weights
    return frames, nodes, cells
