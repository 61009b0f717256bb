"""Baselines without training: the caption of the nearest training video, and the most frequent caption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from stgraph.checking import checked
from stgraph.errors import DataError, listed

__all__ = ["most_frequent_caption", "nearest_captions"]


@checked
def nearest_captions(
    train: Mapping[str, Tensor], captions: Mapping[str, Sequence[str]], queries: Mapping[str, Tensor]
) -> dict[str, str]:
    """Captions each video with the first caption of the training video nearest to it by cosine similarity.

    Args:
        train: Mean frame feature ``[F]`` of each training video.
        captions: Captions of the training videos.
        queries: Mean frame feature ``[F]`` of each video to caption.

    Returns:
        One caption per query.

    Raises:
        DataError: If there are no training videos.

    >>> nearest_captions({"a": torch.tensor([1.0, 0.0]), "b": torch.tensor([0.0, 1.0])}, {"a": ["x"], "b": ["y"]},
    ...                  {"q": torch.tensor([0.1, 0.9])})
    {'q': 'y'}
    """
    if not train:
        raise DataError("Nearest neighbour needs at least one training video, got none; give 'train' some.")
    if without := [name for name in train if not captions.get(name)]:
        raise DataError(
            f"'captions' must have a caption of each training video, got none of {listed(without)}."
        )
    names = list(train)
    bank = normalize(torch.stack([train[name] for name in names]).float(), dim=1)
    found = {}
    for query, vector in queries.items():
        best = int((bank @ normalize(vector.float(), dim=0)).argmax())
        found[query] = captions[names[best]][0]
    return found


@checked
def most_frequent_caption(captions: Mapping[str, Sequence[str]]) -> str:
    """The caption that occurs most often; the first one in case of a tie.

    Raises:
        DataError: If there are no captions.

    >>> most_frequent_caption({"a": ["x", "y"], "b": ["y"]})
    'y'
    """
    counts = Counter(caption for group in captions.values() for caption in group)
    if not counts:
        raise DataError("The most frequent caption needs at least one training caption, got none; give some.")
    return counts.most_common(1)[0][0]
