"""Measures how sharply a model's attention selects frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.datasets import StoredDataset
from stgraph.errors import DataError, OptionError
from stgraph.pipeline import Caption, CaptionPipeline
from stgraph.typing import Count, FloatTensor

__all__ = ["FRAME_MAPS", "FrameSharpness", "frame_sharpness", "sharpness_of"]

FRAME_MAPS = ("ts_frames", "local", "frames", "global", "motion", "st_frames")
"""Attention maps over frames, in order of preference."""


@checked
@dataclass(frozen=True)
class FrameSharpness:
    """How sharply the words of each video's caption select frames.

    Args:
        dataset: Name of the data set.
        split: Name of the split.
        attention: Name of the attention map.
        largest: Largest frame weight of each video, averaged over the words of its caption.
        effective: Effective number of frames of each video, averaged in the same way.
        even: Largest weight of each video if all of its frames had the same.
    """

    dataset: str
    split: str
    attention: str
    largest: dict[str, float]
    effective: dict[str, float]
    even: dict[str, float]

    @property
    def mean_largest(self) -> float:
        """Mean over videos of the largest weight; every video counts the same."""
        return sum(self.largest.values()) / len(self.largest)

    @property
    def mean_effective(self) -> float:
        """Mean over videos of the effective number of frames."""
        return sum(self.effective.values()) / len(self.effective)

    @property
    def mean_even(self) -> float:
        """Mean over videos of the even share."""
        return sum(self.even.values()) / len(self.even)


@checked
@torch.no_grad()
def frame_sharpness(
    captioner: CaptionPipeline,
    dataset: StoredDataset,
    split: str = "test",
    *,
    branch: str | None = None,
    attention: str | None = None,
    batch_size: Count = 64,
) -> FrameSharpness:
    r"""Measures the attention over frames with which a model captions a split.

    For each word of the model's greedy caption, end token included, with weights :math:`a_t`: the largest weight
    :math:`\max_t a_t`, and the effective number of frames :math:`\exp(-\sum_t a_t \log a_t)`, which is 1 for a
    selection of one frame and T for equal weights. Both are averaged over the words of a caption.

    Args:
        captioner: The model.
        dataset: Data set to measure on.
        split: Split of the data set.
        branch: Branch that captions; None is the one that is evaluated.
        attention: Name of the attention map; None is the first of ``FRAME_MAPS`` that the model has.
        batch_size: Number of videos per batch; it does not change the result.

    Returns:
        The measures of each video.

    Raises:
        OptionError: If the model has no such attention over frames.
        DataError: If the split has no videos, or the features come from other extractors than the model's.

    Reference: our own design, for the selection of frames in Cherian et al., WACV 2020, section 3.2.
    """
    ids = dataset.corpus.ids(split)
    if not ids:
        raise DataError(
            f"The split '{split}' of '{dataset.name}' has no videos; choose another by split=...."
        )
    categories = {video: dataset.corpus[video].category for video in ids}
    captions = list(
        captioner.caption_store(dataset.store, ids, branch, batch_size, categories=categories, attention=True)
    )
    name = _map_of(captions[0], attention)
    largest, effective, even = {}, {}, {}
    for caption in captions:
        weights = caption.attention[name]
        most, number = sharpness_of(weights)
        largest[caption.video_id] = float(most.mean())
        effective[caption.video_id] = float(number.mean())
        even[caption.video_id] = 1 / weights.size(1)
    return FrameSharpness(dataset.name, split, name, largest, effective, even)


@checked
@axes(weights="n T")
def sharpness_of(weights: FloatTensor) -> tuple[Tensor, Tensor]:
    """Largest weight and effective number of frames of each word.

    Shapes: weights ``[n, T]``, rows that sum to 1 -> ``[n]``, ``[n]``, float64.

    >>> import torch
    >>> sharpness_of(torch.tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]))
    (tensor([0.5000, 1.0000], dtype=torch.float64), tensor([2., 1.], dtype=torch.float64))
    """
    weights = weights.double()
    entropy = -torch.special.xlogy(weights, weights).sum(1)
    return weights.amax(1), entropy.exp()


def _map_of(caption: Caption, wanted: str | None) -> str:
    known = [name for name in FRAME_MAPS if name in caption.attention]
    if not known:
        raise OptionError(
            "This model has no attention over frames whose sharpness could be measured; use one that has, such as "
            "model=stats with model.attention=ts."
        )
    if wanted is not None and wanted not in known:
        raise OptionError(f"'attention' must be one of {', '.join(known)} for this model, got {wanted!r}.")
    return known[0] if wanted is None else wanted
