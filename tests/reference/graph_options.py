"""What the object branch may have past the paper, as loops in float64 from the formulas of docs/graph.md."""

import math

import torch


def pool_weights(x, hidden, bias, score):
    """a = softmax(u . tanh(W x_i + b)) of the objects of one frame, as a list; hidden is W, score is u."""
    x, hidden, bias, score = (value.detach().double() for value in (x, hidden, bias, score))
    raised = [math.exp(float(score @ torch.tanh(hidden @ row + bias))) for row in x]
    return [value / sum(raised) for value in raised]


def attention_pool(x, frame, num_frames, hidden, bias, score):
    """sum_i a_i x_i over each frame."""
    out = torch.zeros(num_frames, x.shape[1], dtype=torch.float64)
    for t in range(num_frames):
        own = x[[i for i in range(len(x)) if frame[i] == t]]
        for row, weight in zip(own, pool_weights(own, hidden, bias, score), strict=True):
            out[t] += weight * row.double()
    return out


def geometry_factor(a, b, hidden, bias, score):
    """exp(u . tanh(W g + b)) of two xyxy boxes; 1 where one has no area."""
    (x1, y1, x2, y2), (u1, v1, u2, v2) = a.tolist(), b.tolist()
    if min(x2 - x1, y2 - y1, u2 - u1, v2 - v1) <= 0:
        return 1.0
    geometry = [
        math.asinh(((u1 + u2) / 2 - (x1 + x2) / 2) / (x2 - x1)),
        math.asinh(((v1 + v2) / 2 - (y1 + y2) / 2) / (y2 - y1)),
        math.log((u2 - u1) / (x2 - x1)),
        math.log((v2 - v1) / (y2 - y1)),
    ]
    inner = torch.tanh(hidden.double() @ torch.tensor(geometry, dtype=torch.float64) + bias.double())
    return math.exp(float(score.double() @ inner))
