"""Building the graphs of a batch, compared with building one video at a time and with the formulas as loops.

``python -m benchmarks.speed.building [--quick]`` prints the rows as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from benchmarks.speed.measuring import Row, compare, copy_rate, product_rate, run_alone
from stgraph.features.detections import Detections
from stgraph.graph import VideoGraphBuilder

PAPER = {"videos": 64, "num_frames": 10, "objects": 5, "width": 2048}


def random_video(num_frames: int, objects: int, width: int, seed: int = 0) -> Detections:
    draw = torch.Generator().manual_seed(seed)
    num_boxes = num_frames * objects
    corner = torch.rand(num_boxes, 2, generator=draw) * 100
    return Detections(
        boxes=torch.cat([corner, corner + 5 + torch.rand(num_boxes, 2, generator=draw) * 100], dim=1),
        scores=torch.ones(num_boxes),
        features=torch.randn(num_boxes, width, generator=draw),
        frame=torch.arange(num_frames).repeat_interleave(objects),
        num_frames=num_frames,
        size=(200, 200),
    )


def one_video_vectorised(video: Detections) -> Data:
    """Eq. 1-3 of one video as masked N x N matrices: the simple implementation, and fast for ten frames."""
    video = video.top(5, 0.5)
    low, high = video.boxes[:, None, :2], video.boxes[:, None, 2:]
    side = torch.minimum(high, high.transpose(0, 1)) - torch.maximum(low, low.transpose(0, 1))
    shared = side.clamp(min=0).prod(dim=-1)
    area = (high - low).prod(dim=-1)
    unit = torch.nn.functional.normalize(video.features, dim=1)
    step = video.frame[None, :] - video.frame[:, None]
    space = (shared / (area + area.T - shared)).masked_fill(step != 0, -torch.inf).softmax(dim=1)
    after = (unit @ unit.T).masked_fill(step != 1, -torch.inf).softmax(dim=1).nan_to_num(0.0)
    linked = (step == 0) | (step == 1)
    return Data(
        x=video.features,
        edge_index=linked.nonzero().T,
        edge_weight=(space + after)[linked],
        edge_kind=step[linked],
        frame=video.frame,
        box=video.boxes,
        score=video.scores,
        label=video.labels,
        num_frames=video.num_frames,
    )


def one_video_in_loops(video: Detections, similarity: Callable[[Tensor, Tensor], float]) -> np.ndarray:
    """Eq. 1-3 of one video as printed: the sum of each row, then each entry divided by it."""
    boxes, features, frame = video.boxes.tolist(), list(video.features), video.frame.tolist()
    objects: list[list[int]] = [[] for _ in range(video.num_frames + 1)]
    for i, t in enumerate(frame):
        objects[t].append(i)
    matrix = np.zeros((len(frame), len(frame)), dtype=np.float32)
    for t in range(video.num_frames):
        for i in objects[t]:
            total = sum(math.exp(overlap(boxes[i], boxes[j])) for j in objects[t])
            for j in objects[t]:
                matrix[i, j] = math.exp(overlap(boxes[i], boxes[j])) / total
            total = sum(math.exp(similarity(features[i], features[j])) for j in objects[t + 1])
            for j in objects[t + 1]:
                matrix[i, j] = math.exp(similarity(features[i], features[j])) / total
    return matrix


def cosine_of_torch(a: Tensor, b: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))


def cosine_of_numpy(a: Tensor, b: Tensor) -> float:
    x, y = a.numpy(), b.numpy()
    return float(x @ y) / math.sqrt(float(x @ x) * float(y @ y))


def overlap(a: list[float], b: list[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def rows(quick: bool) -> list[Row]:
    """The paper's shape: many short videos of wide features."""
    shape = {name: PAPER[name] for name in ("num_frames", "objects", "width")}
    videos = [random_video(**shape, seed=seed) for seed in range(PAPER["videos"])]
    builder = VideoGraphBuilder(max_objects=5, score_threshold=0.5)
    batch = lambda: builder.build_batch(videos)  # noqa: E731
    ways: dict[str, Callable[[], Any]] = {
        "a vectorised build of one video at a time": lambda: [
            one_video_vectorised(video) for video in videos
        ],
        "the same, then Batch.from_data_list": lambda: Batch.from_data_list(
            [one_video_vectorised(video) for video in videos]
        ),
        "VideoGraphBuilder, one video at a time": lambda: [builder(video) for video in videos],
        "the formulas as nested loops over tensors": lambda: [
            one_video_in_loops(video, cosine_of_torch) for video in videos
        ],
        "the formulas as nested loops over arrays": lambda: [
            one_video_in_loops(video, cosine_of_numpy) for video in videos
        ],
    }
    check_equal({"build_batch": batch(), **{name: way() for name, way in ways.items()}})
    promises = {
        "a vectorised build of one video at a time": 2.5,
        "the formulas as nested loops over tensors": 40.0,
    }
    objects, width = PAPER["objects"], PAPER["width"]
    steps = PAPER["videos"] * (PAPER["num_frames"] - 1)
    # Cosines of the objects of neighbouring frames; features are read once for their lengths and the products.
    least = 2 * steps * objects**2 * width / product_rate()
    least += PAPER["videos"] * PAPER["num_frames"] * objects * width * 4 / copy_rate()
    return [
        compare(
            f"building, {name}",
            f"build the graphs of {PAPER['videos']} videos, T={PAPER['num_frames']}, N={objects}, F={width}; "
            "times are of one video",
            batch,
            name,
            way,
            rounds=(3 if "loops" in name else 8) if quick else (9 if "loops" in name else 31),
            promise=promises.get(name),
            floor=(least, "cosines, and one copy of the features"),
            per=PAPER["videos"],
        )
        for name, way in ways.items()
    ]


def check_equal(answers: dict[str, Any]) -> None:
    batch = answers["build_batch"]
    for name, answer in answers.items():
        graphs = answer.to_data_list() if isinstance(answer, Batch) else answer
        for got, graph in zip(graphs, batch.to_data_list(), strict=True):
            expected = torch.zeros(graph.num_nodes, graph.num_nodes)
            expected[graph.edge_index[0], graph.edge_index[1]] = graph.edge_weight
            matrix = torch.zeros_like(expected)
            if isinstance(got, Data):
                assert torch.equal(got.x, graph.x), name
                assert torch.equal(got.edge_kind, graph.edge_kind), name
                matrix[got.edge_index[0], got.edge_index[1]] = got.edge_weight
            else:
                matrix = torch.from_numpy(got)
            torch.testing.assert_close(matrix, expected, atol=1e-6, rtol=0)


if __name__ == "__main__":
    run_alone(rows, __doc__)
