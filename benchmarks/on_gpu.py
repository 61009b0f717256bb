"""Timings on one GPU, written as one JSON: ``benchmarks/on_gpu.sh`` calls it after the tests of the GPU.

Times are medians of wall-clock seconds after a warm-up, with the device waited for before and after. Features and
pictures are random, and weights too: only shapes matter here. The estimate for MSVD's schedule is the time of a step
times the steps of 50 epochs; it leaves out reading the features and the validations, whose share
``benchmarks/speed/msvd_schedule.py`` measures.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch

from stgraph import Detections, STGraphCaptioner, VideoGraphBuilder
from stgraph.decoding import BeamSearch, Greedy, Sampling
from stgraph.nn import NormalizedAdjacency
from stgraph.text import SpecialTokens
from stgraph.training import DistillationLoss
from stgraph.training.module import default_optimizer

MSVD = {"videos": 1200, "captions": 48_774, "epochs": 50, "batch_size": 64}
PAPER = {
    "videos": 64,
    "frames": 10,
    "objects": 5,
    "width": 2048,
    "motion": 1024,
    "words": 12,
    "vocabulary": 10_000,
}
TINY = {"videos": 3, "frames": 4, "objects": 2, "width": 16, "motion": 8, "words": 5, "vocabulary": 60}
SHAPES = {"paper": (64, 10, 5, 512), "long": (4, 500, 20, 512)}
TINY_SHAPES = {"paper": (2, 4, 2, 16), "long": (1, 10, 3, 16)}
"""Videos, frames, objects per frame and channels of the aggregations."""


def median_seconds(run: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median wall-clock seconds of a call, after three that warm up."""
    seconds = []
    for turn in range(repeats + 3):
        wait(device)
        begun = time.perf_counter()
        run()
        wait(device)
        if turn >= 3:
            seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def detections(frames: int, objects: int, width: int, seed: int, device: torch.device) -> Detections:
    draw = torch.Generator().manual_seed(seed)
    corner = torch.rand(frames * objects, 2, generator=draw) * 100
    return Detections(
        boxes=torch.cat([corner, corner + 5 + torch.rand(frames * objects, 2, generator=draw) * 100], 1).to(
            device
        ),
        scores=torch.ones(frames * objects, device=device),
        features=torch.randn(frames * objects, width, generator=draw).to(device),
        frame=torch.arange(frames).repeat_interleave(objects).to(device),
        num_frames=frames,
        size=(200, 200),
    )


def batch_of(sizes: dict[str, int], device: torch.device) -> Batch:
    videos = [
        detections(sizes["frames"], sizes["objects"], sizes["width"], seed, device)
        for seed in range(sizes["videos"])
    ]
    rows = [torch.randn(sizes["frames"], sizes["width"], device=device) for _ in videos]
    motion = [torch.randn(sizes["frames"], sizes["motion"], device=device) for _ in videos]
    return VideoGraphBuilder().build_batch(videos, rows, motion)


def model_of(sizes: dict[str, int], tiny: bool, device: torch.device) -> STGraphCaptioner:
    torch.manual_seed(0)
    small = {"hidden_channels": 16, "num_heads": 2, "feedforward_channels": 16} if tiny else {}
    return STGraphCaptioner(
        sizes["vocabulary"],
        appearance_channels=sizes["width"],
        motion_channels=sizes["motion"],
        object_channels=sizes["width"],
        **small,
    ).to(device)


def training(sizes: dict[str, int], tiny: bool, device: torch.device, repeats: int) -> dict[str, Any]:
    """Seconds of an optimizer step of STG-KD, one caption per video."""
    graphs, loss = batch_of(sizes, device), DistillationLoss()
    tokens = torch.randint(4, sizes["vocabulary"], (sizes["videos"], sizes["words"]), device=device)
    tokens[:, 0] = 1
    video = torch.arange(sizes["videos"], device=device)
    found: dict[str, Any] = {}
    for name in ("eager", "bf16", "compiled"):
        model = model_of(sizes, tiny, device)
        optimizer = default_optimizer(model)(model.parameters())
        # On a CPU the graph is captured, which shows that it can be, but not compiled to C++, which takes a minute.
        backend = "inductor" if device.type == "cuda" else "aot_eager"
        forward = torch.compile(model, backend=backend) if name == "compiled" else model

        def step(forward: Any = forward, optimizer: Any = optimizer, half: bool = name == "bf16") -> None:
            optimizer.zero_grad()
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
                logits = forward(graphs, tokens[:, :-1], video)
            loss.from_logits({key: value.float() for key, value in logits.items()}, tokens[:, 1:])[
                "loss"
            ].backward()
            optimizer.step()

        try:
            found[name] = median_seconds(step, device, repeats)
        except Exception as error:  # noqa: BLE001  a machine without a compiler still gives its other numbers
            found[name] = f"failed: {type(error).__name__}: {str(error).splitlines()[0][:200]}"
    steps = math.ceil(MSVD["captions"] / MSVD["batch_size"]) * MSVD["epochs"]
    rates = {name: steps * value / 3600 for name, value in found.items() if isinstance(value, float)}
    return {"seconds_a_step": found, "msvd": MSVD | {"steps": steps}, "hours_of_msvd_at_this_rate": rates}


@torch.no_grad()
def decoding(sizes: dict[str, int], tiny: bool, device: torch.device, repeats: int) -> dict[str, float]:
    """Seconds to caption the batch, graphs included."""
    graphs, model = batch_of(sizes, device), model_of(sizes, tiny, device).eval()
    words = SpecialTokens(0, 1, 2, 3)
    methods = {"greedy": Greedy(), "beam5": BeamSearch(5), "sampling": Sampling()}
    return {
        name: median_seconds(
            lambda method=method: model.generate(graphs, words, decoding=method), device, repeats
        )
        for name, method in methods.items()
    }


def building(sizes: dict[str, int], device: torch.device, repeats: int) -> dict[str, float]:
    """Seconds to build the graphs of a batch from detections on the device, and from those on the CPU."""
    found = {}
    for name, where in (("on the device", device), ("on the CPU, then moved", torch.device("cpu"))):
        videos = [
            detections(sizes["frames"], sizes["objects"], sizes["width"], seed, where)
            for seed in range(sizes["videos"])
        ]
        found[name] = median_seconds(
            lambda videos=videos: VideoGraphBuilder().build_batch(videos).to(device), device, repeats
        )
    return found


@torch.no_grad()
def aggregation(shape: tuple[int, int, int, int], device: torch.device, repeats: int) -> dict[str, Any]:
    """Seconds of one weighted aggregation over the edges, by five ways with checked equal answers."""
    videos, frames, objects, channels = shape
    made = [detections(frames, objects, 8, seed, device) for seed in range(videos)]
    graphs = VideoGraphBuilder().build_batch(made)
    edges, size = graphs.edge_index, graphs.num_nodes
    ours = NormalizedAdjacency(edges, graphs.edge_weight, size)
    x, weight, (row, col) = torch.randn(size, channels, device=device), ours.weight, edges
    sparse = EdgeIndex(edges, sparse_size=(size, size), sort_order="row").to(device)
    ways: dict[str, Callable[[], Tensor]] = {
        "ours": lambda: ours.matmul(x),
        "EdgeIndex": lambda: sparse.matmul(x, weight),
        "gather-scatter": lambda: x.new_zeros(size, channels).index_add_(0, row, x[col] * weight[:, None]),
    }
    nodes = frames * objects
    blocks = torch.zeros(videos, nodes, nodes, device=device)
    blocks[row // nodes, row % nodes, col % nodes] = weight
    ways["dense blocks"] = lambda: (blocks @ x.view(videos, nodes, channels)).view(size, channels)
    try:
        from torch_sparse import SparseTensor

        compiled = SparseTensor(row=row, col=col, value=weight, sparse_sizes=(size, size))
        ways["torch-sparse"] = lambda: compiled @ x
    except ImportError:
        pass
    found: dict[str, Any] = {"nodes": size, "edges": edges.size(1)}
    expected = ways["gather-scatter"]()
    for name, way in ways.items():
        try:
            torch.testing.assert_close(way(), expected, atol=1e-3, rtol=1e-3)
            found[name] = median_seconds(way, device, repeats)
        except (RuntimeError, NotImplementedError) as error:  # torch-sparse that was compiled without CUDA
            found[name] = f"failed: {str(error).splitlines()[0][:200]}"
    return found


def extraction(tiny: bool, device: torch.device, repeats: int) -> dict[str, float]:
    """Pictures per second of a backbone with random weights, by precision; pictures are in memory already."""
    from torchvision.models import resnet18, resnet101

    network = (resnet18 if tiny else resnet101)(weights=None).eval().to(device)
    pictures = torch.rand(2 if tiny else 64, 3, 224, 224, device=device)
    found = {}
    for name, dtype in (("float32", None), ("float16", torch.float16), ("bfloat16", torch.bfloat16)):

        @torch.no_grad()
        def run(dtype: torch.dtype | None = dtype) -> Tensor:
            with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
                return network(pictures)

        found[name] = len(pictures) / median_seconds(run, device, repeats)
    return found


def installed(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", action="store_true", help="run on the CPU")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("on_gpu.json"))
    options = parser.parse_args()
    if not options.cpu and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device here; pass --cpu --tiny to see that the script runs")
    device = torch.device("cpu" if options.cpu else "cuda:0")
    sizes, repeats = (TINY, 2) if options.tiny else (PAPER, 20)
    shapes = TINY_SHAPES if options.tiny else SHAPES
    begun = time.perf_counter()
    result = {
        "device": torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"CPU, {platform.machine()}",
        "tiny": options.tiny,
        "sizes": sizes,
        "training": training(sizes, options.tiny, device, repeats),
        "seconds_to_caption": decoding(sizes, options.tiny, device, repeats),
        "seconds_to_build_graphs": building(sizes, device, repeats),
        "seconds_to_aggregate": {name: aggregation(shape, device, repeats) for name, shape in shapes.items()},
        "pictures_a_second": extraction(options.tiny, device, repeats),
        "clock": "median wall-clock seconds, device waited for",
        "versions": {"python": platform.python_version()}
        | installed(("torch", "torch-geometric", "torch-sparse", "stgraph-captioning")),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
