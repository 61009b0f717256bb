"""Edges along tracks as nested loops, from the definition in docs/graph.md."""

import math


def track_edges(track, frame, time, decay=None):
    """The pairs (i, j) of one video with their weights; ``time`` is NaN where unknown."""
    edges = {}
    for i in range(len(track)):
        if track[i] == -1:
            continue
        later = [j for j in range(len(track)) if track[j] == track[i] and frame[j] > frame[i]]
        if later:
            j = min(later, key=lambda node: (frame[node], node))
            known = not (math.isnan(time[i]) or math.isnan(time[j]))
            gap = time[j] - time[i] if known else frame[j] - frame[i]
            edges[i, j] = 1.0 if decay is None else math.exp(-gap / decay)
    return edges
