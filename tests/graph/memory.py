"""What building a graph allocates, counted by element, so that a test of it cannot depend on the machine."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from stgraph.features.detections import Detections


class Allocations(TorchDispatchMode):
    """Elements of the largest tensor that any operation made, and of all that had memory of their own."""

    def __init__(self):
        super().__init__()
        self.largest = self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        inputs = () if func is torch.ops.aten.lift_fresh.default else (args, kwargs)  # memory of NumPy is new
        given = {leaf.untyped_storage().data_ptr() for leaf in tree_leaves(inputs) if is_tensor(leaf)}
        for leaf in tree_leaves(out):
            if is_tensor(leaf) and leaf.untyped_storage().data_ptr() not in given:
                self.largest = max(self.largest, leaf.numel())
                self.total += leaf.numel()
        return out


def is_tensor(leaf):
    return isinstance(leaf, torch.Tensor)


def crowd(num_frames, num_objects, width=5, seed=0):
    """Things that drift through all frames, as many in each."""
    draw = torch.Generator().manual_seed(seed)
    start = torch.rand(1, num_objects, 2, generator=draw) * 150
    drift = torch.randn(num_frames, num_objects, 2, generator=draw).cumsum(0).clamp(-60, 60)
    corner = start + drift
    extent = 10 + torch.rand(1, num_objects, 2, generator=draw) * 60
    boxes = torch.cat([corner, corner + extent], dim=-1).reshape(-1, 4)
    boxes[:, 2:] = boxes[:, 2:].clamp(min=1)
    num_boxes = num_frames * num_objects
    return Detections(
        boxes=boxes,
        scores=torch.ones(num_boxes),
        features=torch.randn(num_boxes, width, generator=draw),
        frame=torch.arange(num_frames).repeat_interleave(num_objects),
        num_frames=num_frames,
        size=(240, 320),
        track=torch.arange(num_objects).repeat(num_frames),
    )
