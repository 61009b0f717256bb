"""What two boxes are to each other in place, size, motion and time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.typing import FloatTensor, IntTensor, RealTensor, check_shape

__all__ = ["EDGE_ATTRIBUTES", "EdgeAttributes", "box_motion"]

EDGE_ATTRIBUTES = {"position": 2, "size": 2, "velocity": 2, "gap": 1, "distance": 2, "offset": 3}
"""Edge attributes by name, with their number of channels."""


@checked
def box_motion(
    box: FloatTensor, track: RealTensor, frame: RealTensor, time: RealTensor, video: RealTensor
) -> Tensor:
    r"""Velocity of each box since the previous sighting of its track, in pixels per second or per frame.

    .. math:: v_i = (c_i - c_p) / (t_i - t_p)

    with c the centre and p the latest box of i's track in an earlier frame. It is zero at a track's first sighting and for
    boxes without a track. Times are seconds where both are known, else sampled frames.

    Shapes: box ``[N, 4]``, track, frame, time, video ``[N]`` -> ``[N, 2]``.

    Raises:
        ShapeError: If an argument has other axes.
        OptionError: If a frame is negative.
    """
    check_shape("box", box, "N 4")
    for name, value in (("track", track), ("frame", frame), ("time", time), ("video", video)):
        check_shape(name, value, "N", N=box.size(0))
    velocity = box.new_zeros(box.size(0), 2)
    node = (track >= 0).nonzero()[:, 0]
    if len(node) < 2:
        return velocity
    # Two sorts of numbers instead of one of pairs, which takes ten times as long.
    _, of_video = torch.unique(video[node], return_inverse=True)
    tracks, of_track = torch.unique(track[node], return_inverse=True)
    identity = of_video * len(tracks) + of_track
    low, high = (int(each) for each in frame.aminmax())
    if low < 0:
        raise OptionError(f"'frame' must hold numbers of at least 0, got {low}.")
    span = high + 1
    key, order = (identity * span + frame[node]).sort(stable=True)
    node = node[order]
    place = torch.searchsorted(key, key)  # where the boxes of this frame begin
    previous = place - 1
    found = (previous >= 0) & (key[previous.clamp(min=0)] // span == key // span)
    now, before = node[found], node[previous[found]]
    center = (box[:, :2] + box[:, 2:]) / 2
    change = (center[now] - center[before]) / time_gap(frame, time, before, now)[:, None]
    velocity[now] = change.to(velocity.dtype)
    return velocity


def time_gap(frame: Tensor, time: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Time from node i to node j: in seconds if both times are known and differ, else in sampled frames."""
    seconds = time[j] - time[i]
    if not seconds.is_floating_point():
        seconds = seconds.float()
    frames = (frame[j] - frame[i]).to(seconds.dtype)
    return torch.where(seconds.isnan() | (seconds == 0), frames, seconds)


@checked
class EdgeAttributes(nn.Module):
    r"""Computes attributes of edges from the boxes that they join.

    For an edge from i to j, with (x, y) the centre, (w, h) the size, v the velocity of :func:`box_motion` and t the time:

    .. math::
        \text{position} = \operatorname{asinh} \frac{(x_j, y_j) - (x_i, y_i)}{(w_i, h_i)}, \quad
        \text{size} = \log \frac{(w_j, h_j)}{(w_i, h_i)}, \quad
        \text{velocity} = \operatorname{asinh} \frac{v_j - v_i}{(w_i, h_i)}, \quad
        \text{gap} = \operatorname{asinh}(t_j - t_i), \quad
        \text{distance} = \left[\operatorname{asinh} \frac{d_{ij}}{s},
            \operatorname{asinh} \frac{u_{ij} \cdot (v_i - v_j)}{s}\right], \quad
        \text{offset} = \operatorname{asinh} \frac{(x_j - x_i, y_j - y_i, e_{ij})}{s}

    with d the distance of the nearest points of both boxes, 0 where they touch, e the distance of their centres, u the
    direction from centre to centre, and :math:`s = (w_i h_i w_j h_j)^{1/4}`. "distance" says how far apart the boxes are and
    how fast they approach each other; "offset" says where the centres lie in units of both boxes, "position" of the first.

    asinh, logarithmic far from 0, bounds what distant or fast boxes have. An edge that touches a box without area (an absent
    object) has zeros for all of them but the gap.

    Args:
        names: Attributes to compute, some of "position", "size", "velocity", "gap", "distance" and "offset".

    Attributes:
        channels: Number of channels D.

    Shapes: box ``[N, 4]``, edge_index ``[2, E]``, track, frame, time, video ``[N]`` -> ``[E, D]``.

    Raises:
        OptionError: If a name is unknown, comes twice, or there is none.
        ShapeError: If an argument has other axes.

    Reference: our own design, after the geometric features of https://arxiv.org/abs/1711.11575.

    >>> box, zeros = torch.tensor([[0.0, 0, 2, 2], [5, 0, 7, 4]]), torch.zeros(2)
    >>> edges = torch.tensor([[0], [1]])
    >>> EdgeAttributes(["size", "gap"])(box, edges, zeros, torch.tensor([0, 1]), zeros, zeros)
    tensor([[0.0000, 0.6931, 0.8814]])
    """

    def __init__(self, names: Sequence[str] = ("position", "size", "velocity", "gap")) -> None:
        super().__init__()
        known = list(EDGE_ATTRIBUTES)
        if (
            isinstance(names, str)
            or not names
            or not set(names) <= set(known)
            or len(set(names)) < len(names)
        ):
            raise OptionError(f"'names' must be some of {known}, each once, got {names!r}.")
        self.names = tuple(names)
        self.channels = sum(EDGE_ATTRIBUTES[name] for name in names)

    @axes(box="N 4", edge_index="2 E <N", track="N", frame="N", time="N", video="N")
    def forward(
        self,
        box: FloatTensor,
        edge_index: IntTensor,
        track: RealTensor,
        frame: RealTensor,
        time: RealTensor,
        video: RealTensor,
    ) -> Tensor:
        """Computes the attributes of all edges of a batch."""
        check_shape("edge_index", edge_index, "2 E")
        check_shape("box", box, "N 4")
        extent = box[:, 2:] - box[:, :2]
        real = (extent > 0).all(dim=1)
        extent = extent.where(real[:, None], 1)
        i, j = edge_index[0], edge_index[1]
        both = (real[i] & real[j])[:, None]
        center = (box[:, :2] + box[:, 2:]) / 2
        apart, found = center[j] - center[i], []
        scale = (extent[i] * extent[j]).prod(1)[:, None] ** 0.25
        if {"velocity", "distance"} & set(self.names):
            velocity = box_motion(box, track, frame, time, video)
            faster = velocity[j] - velocity[i]
        for name in self.names:
            if name == "position":
                found.append(torch.asinh(apart / extent[i]) * both)
            elif name == "size":
                found.append((extent[j].log() - extent[i].log()) * both)
            elif name == "velocity":
                found.append(torch.asinh(faster / extent[i]) * both)
            elif name == "distance":
                space = torch.maximum(box[i, :2], box[j, :2]) - torch.minimum(box[i, 2:], box[j, 2:])
                length = torch.linalg.vector_norm(space.clamp(min=0), dim=1)
                approach = -(faster * nn.functional.normalize(apart, dim=1)).sum(1)
                found.append(torch.asinh(torch.stack([length, approach], 1) / scale) * both)
            elif name == "offset":
                length = torch.linalg.vector_norm(apart, dim=1, keepdim=True)
                found.append(torch.asinh(torch.cat([apart, length], 1) / scale) * both)
            else:
                found.append(torch.asinh(time_gap(frame, time, i, j))[:, None].to(box.dtype))
        return torch.cat(found, dim=1)

    def extra_repr(self) -> str:
        """Names of the attributes."""
        return ", ".join(self.names)
