"""The paper's graph as nested loops in float64, from Eq. 1-3 of arXiv 2003.13942 and, past it, docs/graph.md."""

import math

import numpy as np


def space_time_matrix(
    boxes,
    features,
    frame,
    num_frames,
    *,
    spatial=True,
    temporal=True,
    spatial_temperature=1.0,
    temporal_temperature=1.0,
    center=False,
    both=False,
):
    """Eq. 3's G ``[N, N]`` and where it has entries ``[N, N]`` (a frame without objects has no blocks)."""
    boxes, features = np.asarray(boxes, dtype=np.float64), np.asarray(features, dtype=np.float64)
    if center:
        features = centered(features)
    objects = [[i for i in range(len(frame)) if frame[i] == t] for t in range(num_frames)]
    matrix = np.zeros((len(frame), len(frame)))
    linked = np.zeros((len(frame), len(frame)), dtype=bool)
    for t in range(num_frames):
        if spatial:
            for i in objects[t]:  # Eq. 1
                share = {j: math.exp(overlap(boxes[i], boxes[j]) / spatial_temperature) for j in objects[t]}
                for j in objects[t]:
                    matrix[i, j], linked[i, j] = share[j] / sum(share.values()), True
        for other in [t + 1, t - 1] if both else [t + 1]:
            if not temporal or not 0 <= other < num_frames:
                continue
            for i in objects[t]:  # Eq. 2
                share = {
                    j: math.exp(cosine(features[i], features[j]) / temporal_temperature)
                    for j in objects[other]
                }
                for j in objects[other]:
                    matrix[i, j], linked[i, j] = share[j] / sum(share.values()), True
    return matrix, linked


def centered(features):
    """Rows less the mean of those that are not zero, which stay zero."""
    known = [row for row in features if any(row)]
    mean = [math.fsum(column) / len(known) for column in zip(*known, strict=True)] if known else 0
    return np.array([row - mean if any(row) else row for row in features]).reshape(features.shape)


def overlap(a, b):
    """Intersection over union of two xyxy boxes; 0 where neither has an area."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = width * height if width > 0 and height > 0 else 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def cosine(a, b):
    """Cosine of the angle between two vectors; 0 where one is zero."""
    lengths = math.sqrt(math.fsum(a * a)) * math.sqrt(math.fsum(b * b))
    return math.fsum(a * b) / lengths if lengths > 0 else 0.0


def best_objects(frame, scores, num_frames, max_objects, score_threshold):
    """Indices of each frame's best objects, in the order they came; of equal scores the earlier one."""
    kept = []
    for t in range(num_frames):
        candidates = [i for i in range(len(frame)) if frame[i] == t and scores[i] >= score_threshold]
        candidates.sort(key=lambda i: (-scores[i], i))
        kept += sorted(candidates[:max_objects])
    return kept


def padded(values, frame, num_frames, num_objects, absent):
    """``num_objects`` rows a frame: its own first, then rows of ``absent``."""
    rows = []
    for t in range(num_frames):
        own = [values[i] for i in range(len(frame)) if frame[i] == t]
        rows += own + [np.full_like(values[0], absent)] * (num_objects - len(own))
    return np.array(rows)
