"""How fast graphs are built, and how time and memory grow with the length of a video.

``python -m benchmarks.speed.graphs [--out FILE.json]`` (Linux). Outputs are checked equal before anything is
timed. Times are medians of processor seconds on one thread, with the variants taking turns, so that other
work on the machine influences them as little as possible.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from stgraph.features.detections import Detections
from stgraph.graph import VideoGraphBuilder

PAPER = {"videos": 64, "num_frames": 10, "objects": 5, "width": 2048}
LENGTHS = (125, 250, 500, 1000, 2000)
CROWD = {"objects": 20, "width": 64}


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


def paper_shape(rounds: int) -> dict[str, object]:
    """The paper's shape: many short videos of wide features."""
    shape = {name: PAPER[name] for name in ("num_frames", "objects", "width")}
    videos = [random_video(**shape, seed=seed) for seed in range(PAPER["videos"])]
    builder = VideoGraphBuilder(max_objects=5, score_threshold=0.5)
    ways: dict[str, Callable[[], Any]] = {
        "build_batch": lambda: builder.build_batch(videos),
        "vectorised": lambda: [one_video_vectorised(video) for video in videos],
        "vectorised, then Batch.from_data_list": lambda: Batch.from_data_list(ways["vectorised"]()),
        "VideoGraphBuilder": lambda: [builder(video) for video in videos],
        "nested loops, torch": lambda: [one_video_in_loops(video, cosine_of_torch) for video in videos],
        "nested loops, numpy": lambda: [one_video_in_loops(video, cosine_of_numpy) for video in videos],
    }
    check_equal({name: way() for name, way in ways.items()})
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 2):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if turn >= 2:  # the first two warm up
                seconds[name].append(time.process_time() - start)
    each = {name: 1e3 * statistics.median(values) / len(videos) for name, values in seconds.items()}
    ratios = {name: value / each["build_batch"] for name, value in each.items()}
    return {"shape": PAPER, "milliseconds_a_video": each, "times_as_long_as_build_batch": ratios}


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


def against_length() -> dict[str, object]:
    """Each length in a process of its own, so that none reuses memory of another one."""
    rows = []
    for num_frames in LENGTHS:
        command = [sys.executable, "-m", "benchmarks.speed.graphs", "--one-length", str(num_frames)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    frames = np.array(LENGTHS, dtype=float)
    fits = {
        name: float(np.corrcoef(frames, [row[name] for row in rows])[0, 1] ** 2)
        for name in ("milliseconds", "peak_megabytes")
    }
    return {"shape": CROWD, "rows": rows, "r_squared_of_a_straight_line": fits}


def one_length(num_frames: int) -> dict[str, float]:
    builder = VideoGraphBuilder(max_objects=None, score_threshold=0.5)
    builder(random_video(3, **CROWD))  # a first call loads libraries, whose memory is not the graph's
    video = random_video(num_frames, **CROWD)
    Path("/proc/self/clear_refs").write_text("5")  # Linux: resets the recorded peak
    before = peak_megabytes()
    graph = builder(video)
    peak = peak_megabytes() - before
    seconds = []
    for _ in range(9):
        start = time.process_time()
        builder(video)
        seconds.append(time.process_time() - start)
    return {
        "num_frames": num_frames,
        "nodes": graph.num_nodes,
        "edges": graph.num_edges,
        "milliseconds": 1e3 * statistics.median(seconds),
        "peak_megabytes": peak,
        "graph_megabytes": sum(value.nbytes for _, value in graph if isinstance(value, Tensor)) / 2**20,
        "n_by_n_megabytes": graph.num_nodes**2 * 4 / 2**20,
    }


def peak_megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def commit() -> str:
    answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed_graphs.json"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--one-length", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.one_length:
        print(json.dumps(one_length(options.one_length)))
        return
    result = {
        "clock": "median of processor seconds",
        "paper_shape": paper_shape(options.rounds),
        "against_length": against_length(),
        "commit": commit(),
        "device": f"one thread of {os.cpu_count()} CPUs, {platform.machine()}",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "torch-geometric", "numpy", "stgraph-captioning")},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
