"""Inception-v1 I3D from its published table and TensorFlow's formula of "SAME" padding; nothing here comes from stgraph."""

import math
from itertools import product

import torch
from torch.nn import functional as F

# Szegedy et al., "Going deeper with convolutions" (CVPR 2015), Table 1, under I3D's names of its rows 3a to 5b: channels
# before, #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj. I3D's 5x5 are 3x3x3.
INCEPTIONS = {
    "Mixed_3b": (192, 64, 96, 128, 16, 32, 32),
    "Mixed_3c": (256, 128, 128, 192, 32, 96, 64),
    "Mixed_4b": (480, 192, 96, 208, 16, 48, 64),
    "Mixed_4c": (512, 160, 112, 224, 24, 64, 64),
    "Mixed_4d": (512, 128, 128, 256, 24, 64, 64),
    "Mixed_4e": (512, 112, 144, 288, 32, 64, 64),
    "Mixed_4f": (528, 256, 160, 320, 32, 128, 128),
    "Mixed_5b": (832, 256, 160, 320, 32, 128, 128),
    "Mixed_5c": (832, 384, 192, 384, 48, 128, 128),
}


def layout(in_channels=3):
    """Names and shapes in the public PyTorch files, without the lm_head and the counters of later PyTorch versions."""
    convolutions = {
        "Conv3d_1a_7x7": (64, in_channels, 7),
        "Conv3d_2b_1x1": (64, 64, 1),
        "Conv3d_2c_3x3": (192, 64, 3),
    }
    for name, (before, one, reduce3, three, reduce5, five, pool) in INCEPTIONS.items():
        convolutions |= {
            f"{name}.b0": (one, before, 1),
            f"{name}.b1a": (reduce3, before, 1),
            f"{name}.b1b": (three, reduce3, 3),
            f"{name}.b2a": (reduce5, before, 1),
            f"{name}.b2b": (five, reduce5, 3),
            f"{name}.b3b": (pool, before, 1),
        }
    shapes = {}
    for name, (out, before, kernel) in convolutions.items():
        shapes[f"{name}.conv3d.weight"] = (out, before, kernel, kernel, kernel)
        for entry in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.bn.{entry}"] = (out,)
    return shapes


def same(length, kernel, stride):
    """Length after, and what is padded in front and behind: tensorflow.org, "Notes on padding"."""
    after = math.ceil(length / stride)
    pad = max((after - 1) * stride + kernel - length, 0)
    return after, pad // 2, pad - pad // 2


def windows(x, kernel, stride):
    """For each place after: its index, and the places before that its window holds, as (index, place in the kernel)."""
    rules = [same(length, k, s) for length, k, s in zip(x.shape[1:], kernel, stride, strict=True)]
    for place in product(*(range(after) for after, _, _ in rules)):
        inside = []
        for offset in product(*(range(k) for k in kernel)):
            at = tuple(
                p * s + o - front for p, s, o, (_, front, _) in zip(place, stride, offset, rules, strict=True)
            )
            if all(0 <= a < length for a, length in zip(at, x.shape[1:], strict=True)):
                inside.append((at, offset))
        yield place, inside


def slow_max_pool(x, kernel, stride):
    """``[C, T, H, W]``, one place after the other."""
    sizes = [same(length, k, s)[0] for length, k, s in zip(x.shape[1:], kernel, stride, strict=True)]
    out = torch.empty(x.shape[0], *sizes, dtype=x.dtype)
    for place, inside in windows(x, kernel, stride):
        out[(slice(None), *place)] = torch.stack([x[(slice(None), *at)] for at, _ in inside]).amax(0)
    return out


def slow_conv(x, weight, stride):
    """``[C, T, H, W]`` and ``[out, C, k, k, k]``, one place after the other."""
    kernel = weight.shape[2:]
    sizes = [same(length, k, s)[0] for length, k, s in zip(x.shape[1:], kernel, stride, strict=True)]
    out = torch.zeros(weight.shape[0], *sizes, dtype=x.dtype)
    for place, inside in windows(x, kernel, stride):
        for at, offset in inside:
            out[(slice(None), *place)] += weight[(slice(None), slice(None), *offset)] @ x[(slice(None), *at)]
    return out


def pads(x, kernel, stride):
    return [
        pad
        for length, k, s in reversed(list(zip(x.shape[2:], kernel, stride, strict=True)))
        for pad in same(length, k, s)[1:]
    ]


def unit(state, name, x, stride=1):
    """Convolution, batch normalisation with epsilon 0.001, ReLU."""
    weight = state[f"{name}.conv3d.weight"]
    x = F.conv3d(F.pad(x, pads(x, weight.shape[2:], (stride,) * 3)), weight, stride=stride)
    mean, var, scale, shift = (
        state[f"{name}.bn.{entry}"].view(-1, 1, 1, 1)
        for entry in ("running_mean", "running_var", "weight", "bias")
    )
    return ((x - mean) / torch.sqrt(var + 0.001) * scale + shift).clamp(min=0)


def pool(x, kernel, stride):
    return F.max_pool3d(F.pad(x, pads(x, kernel, stride), value=-math.inf), kernel, stride)


def cells(state, x):
    """``[B, C, T, H, W]`` -> Mixed_5c, from weights by their public names; Carreira and Zisserman (CVPR 2017), Figure 3."""
    x = unit(state, "Conv3d_1a_7x7", x, stride=2)
    x = pool(x, (1, 3, 3), (1, 2, 2))
    x = unit(state, "Conv3d_2c_3x3", unit(state, "Conv3d_2b_1x1", x))
    x = pool(x, (1, 3, 3), (1, 2, 2))
    for name in INCEPTIONS:
        if name == "Mixed_4b":
            x = pool(x, (3, 3, 3), (2, 2, 2))
        if name == "Mixed_5b":
            x = pool(x, (2, 2, 2), (2, 2, 2))
        three = unit(state, f"{name}.b1b", unit(state, f"{name}.b1a", x))
        five = unit(state, f"{name}.b2b", unit(state, f"{name}.b2a", x))
        pooled = unit(state, f"{name}.b3b", pool(x, (3, 3, 3), (1, 1, 1)))
        x = torch.cat([unit(state, f"{name}.b0", x), three, five, pooled], dim=1)
    return x
