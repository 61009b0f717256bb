"""Time edges along tracks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.graph.edges.rule import spans_videos, with_node_attributes
from stgraph.typing import FloatTensor, IndexTensor

__all__ = ["TrackEdges"]


@checked
@spans_videos
@with_node_attributes("video", "track", "time")
@dataclass(frozen=True)
class TrackEdges:
    r"""Links each object to its next sighting: the next frame in which its track occurs, however far away.

    .. math:: G^{time}_{ij} = 1 \quad\text{or}\quad e^{-(t_j - t_i) / \delta}

    for j the next sighting of i's track, with t in seconds if both times are known, else in sampled frames. Objects
    without a track (-1) get no edge; if a frame holds a track twice, its first box is the sighting. Weights are
    not normalised over a row, which has at most one of these edges.

    Args:
        decay: :math:`\delta`; None gives every edge the weight 1.
        hops: Which of the next sightings are linked: 1 is the next one, 2 the one after it.

    Raises:
        OptionError: If ``decay`` is not a positive number, or ``hops`` are not increasing whole numbers from 1.

    Reference: our own design.

    >>> track, frame = torch.tensor([7, 7, 7]), torch.tensor([0, 1, 4])
    >>> nodes = {"video": torch.zeros(3).long(), "track": track, "time": torch.full((3,), torch.nan)}
    >>> TrackEdges(decay=3.0)(torch.zeros(3, 4), torch.zeros(3, 1), frame, **nodes)
    (tensor([[0, 1],
            [1, 2]]), tensor([0.7165, 0.3679]))
    """

    decay: float | None = None
    hops: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        if self.decay is not None and not (
            isinstance(self.decay, int | float)
            and not isinstance(self.decay, bool)
            and math.isfinite(self.decay)
            and self.decay > 0
        ):
            raise OptionError(f"'decay' must be a positive number or None, got {self.decay!r}.")
        hops = self.hops
        whole = all(isinstance(hop, int) and not isinstance(hop, bool) and hop >= 1 for hop in hops)
        if not (hops and whole and list(hops) == sorted(set(hops))):
            raise OptionError(
                f"'hops' must be increasing whole numbers from 1, such as (1, 2, 4), got {hops!r}."
            )

    @axes(boxes="N 4", features="N F", frame="N", video="N", track="N", time="N")
    def __call__(
        self,
        boxes: FloatTensor,
        features: FloatTensor,
        frame: IndexTensor,
        *,
        video: IndexTensor,
        track: IndexTensor,
        time: FloatTensor,
    ) -> tuple[Tensor, Tensor]:
        """Computes the edges of all videos at once.

        Args:
            boxes: Not used.
            features: Only their type is used.
            frame: Number of each box's frame, sorted, ``[N]``.
            video: Number of each box's video, sorted, ``[N]``.
            track: Identity of each box within its video, -1 if unknown, ``[N]``.
            time: Seconds of each box's frame, NaN if unknown, ``[N]``.

        Returns:
            Edges ``[2, E]`` sorted by (i, j), and weights ``[E]``.
        """
        node = (track >= 0).nonzero()[:, 0]
        if len(node) == 0:
            return frame.new_zeros(2, 0), features.new_zeros(0)
        # Track ids may be large; numbering them keeps the keys from overflowing.
        ids, number = torch.unique(track[node], return_inverse=True)
        identity = video[node] * len(ids) + number
        num_frames = int(frame.max()) + 2
        key = identity * num_frames + frame[node]
        key, order = key.sort(stable=True)
        node = node[order]
        place = torch.searchsorted(key, key, right=True)  # the first sighting in a later frame
        found = place < len(key)
        place = place.clamp(max=len(key) - 1)
        found &= key[place] // num_frames == key // num_frames
        following = torch.full(
            (len(frame) + 1,), len(frame), device=frame.device
        )  # the last one stands for none
        following[node[found]] = node[place[found]]
        i, j = self._linked(following)
        return torch.stack([i, j]), self._weights(frame, time, i, j).to(features.dtype)

    def _linked(self, following: Tensor) -> tuple[Tensor, Tensor]:
        """Both ends of the edges of all hops, sorted by (i, j); ``following [N + 1]`` is each node's next sighting."""
        num_nodes = len(following) - 1
        reached = [following[:-1]]
        for _ in range(1, self.hops[-1]):
            reached.append(following[reached[-1]])
        ends = torch.stack([reached[hop - 1] for hop in self.hops], 1)
        i, hop = (ends < num_nodes).nonzero(as_tuple=True)
        return i, ends[i, hop]  # a later sighting is a later node

    def _weights(self, frame: Tensor, time: Tensor, i: Tensor, j: Tensor) -> Tensor:
        if self.decay is None:
            return torch.ones(len(i), device=frame.device)
        seconds = time[j] - time[i]
        gap = torch.where(seconds.isnan(), (frame[j] - frame[i]).to(seconds.dtype), seconds)
        return (-gap / self.decay).exp()
