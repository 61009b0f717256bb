"""Edges to the nearest boxes as nested loops, from the definition in docs/graph.md."""

import math


def nearest_edges(boxes, frame, k):
    """The pairs (i, j) of one video."""

    def distance(a, b):
        gaps = [max(a[axis], b[axis]) - min(a[axis + 2], b[axis + 2]) for axis in (0, 1)]
        centers = [(each[0] + each[2], each[1] + each[3]) for each in (a, b)]
        return math.hypot(*(max(gap, 0.0) for gap in gaps)), math.dist(*centers)

    real = [i for i, (x1, y1, x2, y2) in enumerate(boxes) if x2 > x1 and y2 > y1]
    pairs = set()
    for i in real:
        others = [j for j in real if j != i and frame[j] == frame[i]]
        others.sort(key=lambda j: (*distance(boxes[i], boxes[j]), j))
        pairs |= {(i, j) for j in others[:k]}
    return pairs
