"""The words of a caption, and their log-probabilities as a function of the graph."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.decoding import DecodedCaptions, Decoding
from stgraph.decoding.base import decode_rows
from stgraph.decoding.protocol import StepDecoder
from stgraph.errors import OptionError, shown
from stgraph.graph import VideoGraph
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.pipeline import CaptionPipeline, VideoInput
from stgraph.text import SpecialTokens, normalise
from stgraph.training import caption_log_probs

__all__ = ["END", "CaptionWords"]

END = "(end)"
"""Stands for the end token among words."""


@dataclass(frozen=True, eq=False)
class CaptionWords:
    """A caption of one video, given or generated, which the model scores again on changed graphs.

    Args:
        captioner: The model.
        graph: The video on the model's device, in its precision.
        branch: Branch of the model.
        tokens: Ids of the L words, the end token last unless the caption has the largest length.
    """

    captioner: CaptionPipeline
    graph: VideoGraph
    branch: str
    tokens: Tensor

    @classmethod
    def of(
        cls,
        captioner: CaptionPipeline,
        video: VideoInput,
        caption: str | None = None,
        branch: str | None = None,
    ) -> CaptionWords:
        """Takes a caption, or lets the model generate one by greedy decoding.

        Args:
            captioner: The model.
            video: What the pipeline captions.
            caption: The caption; None generates it.
            branch: Branch of the model; None is the one that is evaluated.

        Raises:
            OptionError: If the caption is too long or has a word that the model does not know.
        """
        branch = captioner.default_branch if branch is None else branch
        model = captioner.model
        dtype = next(model.parameters()).dtype
        graph = copy.copy(captioner.graph_of(video, branch)).to(captioner.device)
        graph = graph.apply(lambda each: each.to(dtype) if each.is_floating_point() else each)
        if caption is not None:
            return cls(captioner, graph, branch, _ids(captioner, caption).to(captioner.device))
        batch = captioner.batch_of([graph])
        tokens = model.generate(batch, captioner.tokenizer.special_tokens, branch).tokens[0]
        return cls(captioner, graph, branch, tokens[tokens != 0])

    @property
    def text(self) -> str:
        """The caption as a sentence."""
        return self.captioner.tokenizer.decode(self.tokens[None])[0]

    @property
    def words(self) -> tuple[str, ...]:
        """The words, :data:`END` for the end token."""
        end = self.captioner.tokenizer.special_tokens.eos
        known = self.captioner.tokenizer.words
        return tuple(END if token == end else known[token] for token in self.tokens.tolist())

    @property
    def streams(self) -> dict[str, Tensor]:
        """The features of the graph that the branch may read, by their names there."""
        names = ["x" if name == "object" else name for name in self.captioner.model.streams(self.branch)]
        return {name: self.graph[name] for name in names if self.graph.get(name) is not None}

    def scores(self, graphs: Batch) -> Tensor:
        """Logits of every next word for each graph of a batch, ``[B, L, V]``; differentiable, without dropout."""
        model, number = self.captioner.model, graphs.num_graphs
        tokens = self.tokens.expand(number, -1)
        begin = torch.full_like(tokens[:, :1], self.captioner.tokenizer.special_tokens.bos)
        video = torch.arange(number, device=tokens.device)
        with model.without_dropout():
            memory = model.encode(graphs, self.branch)
            found = model.decoder_of(self.branch)(memory, torch.cat([begin, tokens[:, :-1]], 1), video)
        return found if isinstance(found, Tensor) else found.logits

    def log_probs(self, graphs: Batch) -> Tensor:
        """Log-probabilities of the words for each graph of a batch, ``[B, L]``; as differentiable as the scores."""
        return caption_log_probs(self.scores(graphs), self.tokens.expand(graphs.num_graphs, -1))

    def with_streams(self, streams: Mapping[str, Tensor]) -> Batch:
        """Copies of the graph with other features, ``[B, ...]`` by name."""
        batch = self.captioner.batch_of([self.graph] * len(next(iter(streams.values()))))
        for name, values in streams.items():
            batch[name] = values.flatten(0, 1)
        return batch

    @torch.no_grad()
    def log_probs_of_all(self, graphs: Sequence[VideoGraph], batch_size: int) -> Tensor:
        """Log-probabilities of the words for each of many graphs, ``[B, L]``."""
        groups = [graphs[start : start + batch_size] for start in range(0, len(graphs), batch_size)]
        parts = [self.log_probs(self.captioner.batch_of(group)) for group in groups]
        return torch.cat(parts) if parts else torch.zeros(0, len(self.tokens), device=self.tokens.device)

    def with_attention(self) -> tuple[DecodedCaptions, Batch]:
        """The words with the attention of the model as it reads them, and the graph as a batch of one."""
        batch = self.captioner.batch_of([self.graph])
        found = self.captioner.model.generate(
            batch,
            self.captioner.tokenizer.special_tokens,
            self.branch,
            decoding=_GivenWords(self.tokens),
            attention=True,
        )
        count = len(self.tokens)
        attention = {name: weights[:, :count] for name, weights in found.attention.items()}
        return replace(found, tokens=found.tokens[:, :count], attention=attention), batch


@dataclass(frozen=True, eq=False)
class _GivenWords(Decoding):
    """Chooses the words that it is given."""

    method: ClassVar[str] = "given"
    captions_per_video: ClassVar[int] = 1  # type: ignore[assignment]
    label: ClassVar[str] = "given"  # type: ignore[assignment]
    tokens: Tensor

    def to_dict(self) -> dict[str, Any]:
        return {"method": self.method}

    @torch.no_grad()
    def decode(
        self,
        decoder: StepDecoder[Any],
        state: DecodingState,
        num_captions: int,
        special_tokens: SpecialTokens,
        *,
        max_length: int,
        suppress_tokens: Sequence[int] = (),
        keys: Sequence[str | int] | None = None,
        attention: bool = False,
        device: torch.device | str = "cpu",
    ) -> DecodedCaptions:
        def given(scores: Tensor, active: Tensor, position: int) -> tuple[Tensor, Tensor]:
            word = self.tokens[position].expand(len(active))
            return word, scores.gather(1, word[:, None])[:, 0]

        return decode_rows(
            decoder,
            state,
            num_captions,
            special_tokens,
            given,
            max_length=len(self.tokens),
            suppress_tokens=suppress_tokens,
            attention=attention,
            device=device,
        )


def _ids(captioner: CaptionPipeline, caption: str) -> Tensor:
    """Ids of the words of a caption and of its end."""
    tokenizer, most = captioner.tokenizer, captioner.model.max_length
    words = normalise(caption).split()
    if not 1 <= len(words) <= most:
        raise OptionError(
            f"'caption' must have 1 to {most} words for this model, got {len(words)}; give another, or None "
            "for the model's own."
        )
    known = {word: number for number, word in enumerate(tokenizer.words)}
    for word in words:
        if word not in known:
            raise OptionError(
                f"'caption' must consist of words that the model knows, got '{shown(word)}'; use others, or None for the "
                "model's own caption."
            )
    return torch.tensor([*(known[word] for word in words), tokenizer.special_tokens.eos])[:most]
