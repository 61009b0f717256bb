"""Measures how well ranked attention orders the frames of a video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.datasets import StoredDataset, StoredGraphs
from stgraph.errors import DataError, OptionError
from stgraph.nn import RankedAttention
from stgraph.pipeline import CaptionPipeline
from stgraph.typing import Count, FloatTensor, MaskTensor

__all__ = ["FrameOrder", "frame_order", "ordered_share"]


@checked
@dataclass(frozen=True)
class FrameOrder:
    """Share of adjacent pairs of frames that are ranked in order, for each video of a split.

    Args:
        dataset: Name of the data set.
        split: Name of the split.
        shares: Share of each video, averaged over the words of its caption.
        left_out: Videos without two adjacent real frames, for which no order is defined.
    """

    dataset: str
    split: str
    shares: dict[str, float]
    left_out: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Mean over videos; every video has the same weight, whatever the length of its caption."""
        return sum(self.shares.values()) / len(self.shares)


@checked
@torch.no_grad()
def frame_order(
    captioner: CaptionPipeline, dataset: StoredDataset, split: str, *, batch_size: Count = 64
) -> FrameOrder:
    r"""Measures how often :class:`~stgraph.nn.RankedAttention` ranks a frame above the preceding one.

    .. math:: \frac{1}{L} \sum_{l=1}^{L} \operatorname{mean}_t \, [\langle w_l, \hat{x}_{l,t} \rangle >
        \langle w_l, \hat{x}_{l,t-1} \rangle]

    for each video; ties count half. w and the frames depend on the language state, so the measure depends on the words:
    they are the model's own greedy caption, end token included, which is what the model attends with when it captions a
    video. Reference captions could lead to states that it never reaches.

    A vector that is independent of time scores 0.5. A model trained without the ranking loss may still score differently:
    where features drift over time, a single vector can order, or reverse, many videos.

    Args:
        captioner: Pipeline of a model with ranked attention, or with its LSTM alone ("lstm", "mean_lstm").
        dataset: Data set to measure on.
        split: Split of the data set.
        batch_size: Number of videos per batch; it does not change the result.

    Returns:
        The share of each video.

    Raises:
        OptionError: If the model has no ranked attention.
        DataError: If the split has no videos, none of them has two adjacent real frames, or the features come from
            extractors other than the model's.

    Reference: after Cherian et al., WACV 2020, Eq. 7; the measure: our own design.
    """
    model, description, corpus = captioner.model, captioner.config, dataset.corpus
    reader = next((part for part in model.modules() if isinstance(part, RankedAttention)), None)
    if reader is None:
        raise OptionError(
            "This model has no ranked attention whose order could be measured; train one with "
            "model.temporal=ranked or mean_ranked."
        )
    captioner.check_extractors(dataset.store.extractors)
    streams = set(model.streams(captioner.default_branch))
    known = description.categories
    source = StoredGraphs(
        dataset.store,
        captioner.builder,
        description.num_frames,
        streams=streams & dataset.store.extractors.keys(),
        categories=corpus.category_numbers(known) if known else None,
        sampling=description.sampling,
    )
    device, special_tokens = next(model.parameters()).device, captioner.tokenizer.special_tokens
    shares: dict[str, float] = {}
    ids = corpus.ids(split)
    for start in range(0, len(ids), batch_size):
        group = ids[start : start + batch_size]
        graphs = source.batch(group).to(device)
        tokens = model.generate(graphs, special_tokens).tokens
        tokens = tokens[:, : int((tokens != 0).sum(1).max())]
        before = torch.cat([torch.full_like(tokens[:, :1], special_tokens.bos), tokens[:, :-1]], 1)
        with _collect_shares(reader) as words:
            model(graphs, before, torch.arange(len(group), device=device))
        by_word = torch.stack(words, 1)  # [B, L], NaN in every word of a video without a pair
        real = tokens != 0
        of_video = by_word.masked_fill(~real, 0.0).sum(1) / real.sum(1)
        shares.update(zip(group, of_video.tolist(), strict=True))
    left_out = tuple(video for video, share in shares.items() if share != share)
    shares = {video: share for video, share in shares.items() if share == share}
    if not shares:
        raise DataError(
            f"The split '{split}' of '{dataset.name}' has no video with two real frames in a row ({len(ids)} videos); "
            "choose another by split=..."
        )
    return FrameOrder(dataset.name, split, shares, left_out)


@checked
@axes(ranked="P D", frames="P T D", mask="P T")
def ordered_share(ranked: FloatTensor, frames: FloatTensor, mask: MaskTensor) -> Tensor:
    """Share of adjacent pairs of real frames whose projections onto w increase; NaN without a pair.

    Shapes: ranked w ``[P, D]``, frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P]`` float64.

    >>> import torch
    >>> frames = torch.tensor([[[0.0], [2.0], [1.0], [1.0]]])  # up, down, alike
    >>> ordered_share(torch.tensor([[1.0]]), frames, torch.ones(1, 4, dtype=torch.bool))
    tensor([0.5000], dtype=torch.float64)
    """
    # Project the difference instead of subtracting projections: equal frames then tie exactly.
    ranked = ranked.to(frames.dtype)
    ahead = ((frames[:, 1:] - frames[:, :-1]) @ ranked.unsqueeze(-1)).squeeze(-1)
    valid = mask[:, 1:] & mask[:, :-1]
    points = (ahead.sign().double() + 1) / 2
    return points.masked_fill(~valid, 0.0).sum(1) / valid.sum(1)


@contextmanager
def _collect_shares(reader: nn.Module) -> Iterator[list[Tensor]]:
    """Collects the ordered share of each word from the forward pass inside the block."""
    words: list[Tensor] = []

    def collect(module: nn.Module, inputs: tuple[Tensor, Tensor], ranked: Tensor) -> None:
        words.append(ordered_share(ranked, *inputs))

    handle = reader.register_forward_hook(collect)
    try:
        yield words
    finally:
        handle.remove()
