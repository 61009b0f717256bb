"""Captions of a batch as values: text, log-probabilities, attention."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.decoding import Decoding
from stgraph.errors import OptionError
from stgraph.html_table import html_table
from stgraph.models.captioning_model import CaptioningModel
from stgraph.text import CaptionTokenizer

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["Caption", "captions_of"]


@checked
@dataclass  # not frozen: Lightning moves the fields of predictions to the CPU
class Caption:
    """A sentence about a video, and the log-probability of each of its words.

    Args:
        video_id: Id of the video, or path of its file.
        text: The sentence.
        log_probs: Log-probability of each word under the model; that of the end token comes last, unless the caption was
            cut at its largest length.
        attention: Attention weights of each word by name, if asked for; docs/training.md lists the names of each system.
            Two captions are equal whatever their attention.

    Shapes: attention over the T sampled frames ``[n, T]``, over their regions ``[n, T, S]``, "branches" ``[n, 2]``, for n
        words, the end token included.
    """

    video_id: str
    text: str
    log_probs: tuple[float, ...]
    attention: Mapping[str, Tensor] = field(default_factory=dict, compare=False, repr=False)

    def _repr_html_(self) -> str:
        """What a notebook shows: the sentence, and the probability of each word where their numbers agree."""
        words = self.text.split()
        words += ["(end)"] * (len(self.log_probs) == len(words) + 1)
        title = f"{self.video_id}: {self.text}"
        if len(words) != len(self.log_probs):
            return html_table(title, (), ())
        rows = [(word, f"{math.exp(value):.2f}") for word, value in zip(words, self.log_probs, strict=True)]
        return html_table(title, ("word", "probability"), rows)


@checked
def captions_of(
    model: CaptioningModel,
    tokenizer: CaptionTokenizer,
    graphs: VideoGraph | Batch,
    video_ids: Sequence[str],
    branch: str | None = None,
    *,
    decoding: Decoding | None = None,
    attention: bool = False,
) -> list[Caption]:
    """Captions of the videos of a batch, in order; several captions of a video follow each other.

    Args:
        model: In evaluation mode, on the device of ``graphs``.
        tokenizer: Of the model.
        graphs: The videos.
        video_ids: Their ids.
        branch: Branch that generates; None is the one that is evaluated.
        decoding: How words are chosen; None is greedy.
        attention: Whether captions carry attention weights.

    Raises:
        OptionError: If the number of ids is not that of the videos.
    """
    num_frames = torch.as_tensor(graphs.num_frames).reshape(-1).tolist()
    if len(video_ids) != len(num_frames):
        raise OptionError(
            f"'video_ids' must be one per video of 'graphs', {len(num_frames)}, got {len(video_ids)}."
        )
    found = model.generate(graphs, tokenizer.special_tokens, branch, decoding=decoding, attention=attention)
    texts = tokenizer.decode(found.tokens)
    per_video = len(texts) // max(len(video_ids), 1)
    captions = []
    for row, (text, tokens, log_probs) in enumerate(zip(texts, found.tokens, found.log_probs, strict=True)):
        if tokens.any():  # beam search may find fewer captions than were asked for
            weights = found.attention_of(row, num_frames[row // per_video])
            captions.append(
                Caption(
                    video_ids[row // per_video],
                    text,
                    tuple(log_probs[tokens != 0].tolist()),
                    {name: weight.cpu() for name, weight in weights.items()},
                )
            )
    return captions
