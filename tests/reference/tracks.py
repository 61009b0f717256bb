"""Edges along tracks as nested loops, from the definition in docs/graph.md."""

import math


def track_edges(track, frame, time, decay=None, hops=(1,)):
    """The pairs (i, j) of one video with their weights; ``time`` is NaN where unknown."""
    edges = {}
    for i in range(len(track)):
        j = i
        for hop in range(1, max(hops) + 1) if track[i] != -1 else ():
            later = [k for k in range(len(track)) if track[k] == track[j] and frame[k] > frame[j]]
            if not later:
                break
            j = min(later, key=lambda node: (frame[node], node))
            if hop in hops:
                known = not (math.isnan(time[i]) or math.isnan(time[j]))
                gap = time[j] - time[i] if known else frame[j] - frame[i]
                edges[i, j] = 1.0 if decay is None else math.exp(-gap / decay)
    return edges
