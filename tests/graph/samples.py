"""Random detections with empty frames, equal scores, boxes over each other and over the edge."""

import torch

from stgraph.features.detections import Detections
from stgraph.graph import VideoGraph


def random_video(seed, num_frames=6, most=4, width=7, *, known_time=True, counts=None):
    draw = torch.Generator().manual_seed(seed)
    if counts is None:
        counts = torch.randint(0, most + 1, (num_frames,), generator=draw).tolist()
    frame = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    num_boxes = len(frame)
    corner = torch.rand(num_boxes, 2, generator=draw) * 60 - 5
    boxes = torch.cat([corner, corner + 6 + torch.rand(num_boxes, 2, generator=draw) * 40], dim=1)
    return Detections(
        boxes=boxes,
        scores=torch.randint(3, 11, (num_boxes,), generator=draw) / 10,  # few values, so many are equal
        features=torch.randn(num_boxes, width, generator=draw),
        frame=frame,
        num_frames=len(counts),
        size=(64, 80),
        labels=torch.randint(0, 3, (num_boxes,), generator=draw),
        track=torch.randint(-1, 4, (num_boxes,), generator=draw),
        time=torch.arange(len(counts)) * 0.25 if known_time else None,
    )


def weights_of(graph):
    """G as a dense matrix."""
    matrix = torch.zeros(graph.num_nodes, graph.num_nodes)
    matrix[graph.edge_index[0], graph.edge_index[1]] = graph.edge_weight
    return matrix


def square_graph():
    """T == N == E == 4, every row of every attribute told apart by its values."""
    rows = torch.arange(4)
    return VideoGraph(
        x=torch.stack([rows + 100, rows + 200], dim=1).float(),
        edge_index=torch.tensor([[0, 1, 2, 3], [2, 0, 3, 1]]),
        edge_weight=torch.tensor([0.1, 0.2, 0.3, 0.4]),
        edge_kind=torch.tensor([1, 0, 1, 0]),
        frame=torch.tensor([0, 0, 1, 2]),
        time=torch.tensor([0.0, 0.0, 0.5, 1.0]),
        box=torch.arange(16.0).reshape(4, 4),
        score=rows / 10 + 0.5,
        label=rows + 20,
        track=rows + 30,
        num_frames=4,
        appearance=torch.arange(12.0).reshape(4, 3),
        motion=torch.arange(8.0).reshape(4, 2) - 50,
        video_id="square",
    )
