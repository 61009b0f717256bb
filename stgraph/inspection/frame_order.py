"""Whether a ranked vector orders the frames that it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stgraph.datasets import StoredDataset, StoredGraphs
from stgraph.errors import DataError, OptionError
from stgraph.nn import RankedAttention
from stgraph.pipeline import CaptionPipeline

__all__ = ["FrameOrder", "frame_order", "ordered_share"]


@dataclass(frozen=True)
class FrameOrder:
    """Share of pairs of neighbouring frames that are in order, by video of a split.

    ``left_out`` are videos without two real frames one behind the other: they have no order.
    """

    dataset: str
    split: str
    shares: dict[str, float]
    left_out: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Over videos, each of one weight however many words its caption has."""
        return sum(self.shares.values()) / len(self.shares)


@torch.no_grad()
def frame_order(
    captioner: CaptionPipeline, dataset: StoredDataset, split: str, *, batch_size: int = 64
) -> FrameOrder:
    r"""How often :class:`~stgraph.nn.RankedAttention` puts a frame ahead of the one before it.

    .. math:: \frac{1}{L} \sum_{l=1}^{L} \operatorname{mean}_t \, [\langle w_l, \hat{x}_{l,t} \rangle >
        \langle w_l, \hat{x}_{l,t-1} \rangle]

    for each video; equal ones count half. w and the frames change with the language state, so the words matter: they are
    the model's own greedy caption with its end mark, as that is what the model attends with when it describes a video.
    References would ask for states that it may never come to.

    Chance is 0.5 for a vector that knows nothing of time. A model that was not told to order frames need not be at
    chance: where features drift, one and the same vector can order, or reverse, many videos.

    Args:
        captioner: One with ranked attention, or with its LSTM alone ("lstm", "mean_lstm").
        dataset, split: Whose videos.
        batch_size: Videos at once; it changes no figure.

    Raises:
        OptionError: If the model has no ranked attention.
        DataError: If the split has no videos, none of them has two adjacent real frames, or the features come from
            extractors other than the model's.
    Reference: after Cherian et al., WACV 2020, Eq. 7; the measure: house design.
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
    )
    device, special_tokens = next(model.parameters()).device, captioner.tokenizer.special_tokens
    shares: dict[str, float] = {}
    ids = corpus.ids(split)
    for start in range(0, len(ids), batch_size):
        group = ids[start : start + batch_size]
        graphs = source.batch(group).to(device)
        spoken = model.generate(graphs, special_tokens).tokens
        spoken = spoken[:, : int((spoken != 0).sum(1).max())]
        before = torch.cat([torch.full_like(spoken[:, :1], special_tokens.bos), spoken[:, :-1]], 1)
        with _heard(reader) as words:
            model(graphs, before, torch.arange(len(group), device=device))
        by_word = torch.stack(words, 1)  # [B, L], NaN in every word of a video without a pair
        real = spoken != 0
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


def ordered_share(ranked: Tensor, frames: Tensor, mask: Tensor) -> Tensor:
    """Share of pairs of neighbouring real frames that stand in order along w; NaN where there is no pair.

    Shapes: ranked w ``[P, D]``, frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P]`` float64.

    >>> import torch
    >>> frames = torch.tensor([[[0.0], [2.0], [1.0], [1.0]]])  # up, down, alike
    >>> ordered_share(torch.tensor([[1.0]]), frames, torch.ones(1, 4, dtype=torch.bool))
    tensor([0.5000], dtype=torch.float64)
    """
    # Of the difference, not of two products: frames that are alike then tie exactly.
    ahead = ((frames[:, 1:] - frames[:, :-1]) @ ranked.unsqueeze(-1)).squeeze(-1)
    valid = mask[:, 1:] & mask[:, :-1]
    points = (ahead.sign().double() + 1) / 2
    return points.masked_fill(~valid, 0.0).sum(1) / valid.sum(1)


@contextmanager
def _heard(reader: nn.Module) -> Iterator[list[Tensor]]:
    """Collects the scores of each word while the model generates."""
    words: list[Tensor] = []

    def hear(module: nn.Module, inputs: tuple[Tensor, Tensor], ranked: Tensor) -> None:
        words.append(ordered_share(ranked, *inputs))

    handle = reader.register_forward_hook(hear)
    try:
        yield words
    finally:
        handle.remove()
