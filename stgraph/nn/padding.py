"""Padding of the ragged frames and regions of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from stgraph.checking import axes, check_values, checked, described
from stgraph.errors import OptionError, ShapeError
from stgraph.typing import IndexTensor, check_shape

__all__ = ["pad_frames", "pad_regions", "total_frames"]

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


@checked
@axes(rows="M d", num_frames="B")
def pad_frames(rows: Tensor, num_frames: IndexTensor) -> tuple[Tensor, Tensor]:
    """Pads the frames of each video to the longest video.

    Shapes: rows ``[sum T, d]``, num_frames ``[B]`` -> ``[B, T_max, d]`` with zeros in padded frames, and a mask
        ``[B, T_max]``, True where a frame is real.
    """
    longest = _longest(num_frames, rows.size(0))
    mask = torch.arange(longest, device=rows.device) < num_frames[:, None]
    if rows.size(0) == mask.numel():
        return rows.view(-1, longest, rows.size(1)), mask
    slot = _frame_slots(num_frames, longest)
    padded = rows.new_zeros(mask.numel(), rows.size(1)).index_copy(0, slot, rows)
    return padded.view(*mask.shape, -1), mask


def _longest(num_frames: Tensor, total: int) -> int:
    """The largest number of frames of a video; on a CPU the numbers are compared with that of all frames."""
    if not num_frames.numel():
        raise ShapeError("'num_frames' must have a number for at least one video, got none.")
    seen = num_frames.device.type == "cpu" and not torch.compiler.is_compiling()
    if seen and (int(num_frames.min()) < 0 or int(num_frames.sum()) != total):
        raise OptionError(
            f"'num_frames' must be numbers of frames that sum to {total}, got {described(num_frames)} with the sum "
            f"{int(num_frames.sum())}."
        )
    return int(num_frames.max())


def _frame_slots(num_frames: Tensor, longest: int) -> Tensor:
    """Row ``[sum T]`` of each frame in a block of ``longest`` rows per video."""
    video = torch.arange(len(num_frames), device=num_frames.device).repeat_interleave(num_frames)
    start = num_frames.cumsum(0) - num_frames
    return video * longest + torch.arange(len(video), device=num_frames.device) - start[video]


@checked
@axes(x="N D", frame="N", num_frames="B")
def pad_regions(x: Tensor, frame: IndexTensor, num_frames: IndexTensor) -> tuple[Tensor, Tensor]:
    """Pads the regions of each frame to the frame with most regions, and the frames to the longest video.

    Shapes: x ``[N, D]``, frame ``[N]`` (sorted, numbered through the batch), num_frames ``[B]`` -> ``[B, T, S, D]`` with
        zeros in padded places, and a mask ``[B, T, S]``, True where a region is real; T and S are the largest of the
        batch, and S is at least 1.

    Raises:
        ShapeError: If ``frame`` has another length than ``x``.

    Reference: our own design.

    >>> import torch
    >>> regions, mask = pad_regions(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 0, 2]), torch.tensor([1, 2]))
    >>> regions[..., 0].tolist()
    [[[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [3.0, 0.0]]]
    """
    check_shape("x", x, "N D")
    check_shape("frame", frame, "N", N=x.size(0))
    total = total_frames(num_frames)
    longest = _longest(num_frames, total)
    check_values("frame", frame, total)
    count = torch.bincount(frame, minlength=total)
    first = count.cumsum(0) - count
    place = torch.arange(len(frame), device=x.device) - first[frame]  # position of a region in its frame
    row = _frame_slots(num_frames, longest)
    size = max(int(count.max()), 1) if total else 1
    slot = row[frame] * size + place
    block = x.new_zeros(len(num_frames) * longest * size, x.size(1)).index_copy(0, slot, x)
    mask = torch.zeros(len(block), dtype=torch.bool, device=x.device).index_fill(0, slot, True)
    shape = (len(num_frames), longest, size)
    return block.view(*shape, -1), mask.view(shape)


def _in_range(total: int) -> int:
    if not 0 <= total < 1 << 31:
        raise OptionError(
            f"'num_frames' must not be negative and at most {(1 << 31) - 1} in all, got {total}."
        )
    return total


def total_frames(num_frames: int | Tensor) -> int:
    """Number of frames in a batch, from that number or from the number of frames per video ``[B]``.

    Raises:
        OptionError: If it is neither a whole number nor an integer tensor, or out of range.

    >>> import torch
    >>> total_frames(torch.tensor([3, 2]))
    5
    """
    if isinstance(num_frames, Tensor):
        if num_frames.dtype in _INTEGERS:
            return _in_range(int(num_frames.sum()))
    elif isinstance(num_frames, int) and not isinstance(num_frames, bool):
        return _in_range(num_frames)
    shown = num_frames.dtype if isinstance(num_frames, Tensor) else repr(num_frames)
    raise OptionError(
        f"'num_frames' must be a whole number or an integer tensor [B], got {shown}; pass graph.num_frames."
    )
