"""How time and memory grow with the length of a video and with the objects of a frame.

``python -m benchmarks.speed.scaling`` (Linux). Each point is measured in a process of its own, forked after the libraries
were loaded, so that none reuses memory of another one: median processor seconds of one thread, and the growth of the
resident memory during the first call. Writes ``scaling.json``, and the table and the log-log figure of docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.speed.building import random_video
from benchmarks.speed.measuring import PAGE, RESULTS, device_name, peak_growth, readable, replace_between
from stgraph import STGraphCaptioner, VideoGraphBuilder
from stgraph.datasets import CaptionBatch
from stgraph.decoding import Greedy
from stgraph.features import Detections
from stgraph.files import write_text
from stgraph.nn import CaptionTransformer, NormalizedAdjacency, ResidualGCNConv
from stgraph.text import SpecialTokens
from stgraph.training import DistillationLoss, run_record
from stgraph.training.module import default_optimizer

LENGTHS = (10, 30, 100, 250, 500, 1000, 2000)
OBJECTS = 20
COUNTS = (5, 10, 20, 35, 50)
FRAMES = 100
LINEAR = ("building", "aggregation", "graph convolution")
"""Work whose slope between 500 and 2,000 frames is promised to be at most ``STEEPEST``, in time and in memory."""
STEEPEST = 1.15
CHANNELS, WIDTH, MOTION, VOCABULARY, WORDS = 512, 2048, 1024, 10_000, 12
TRAINING_FRAMES = 1000
BEGIN, END = "<!-- growth of benchmarks.speed.scaling -->", "<!-- end of the growth -->"

Prepared = Callable[[], object]


def building(num_frames: int, objects: int) -> Prepared:
    """Boxes with features of 64 channels to a graph."""
    video, builder = random_video(num_frames, objects, 64), VideoGraphBuilder()
    return lambda: builder(video)


def aggregation(num_frames: int, objects: int) -> Prepared:
    """The normalised sum over the edges, 512 channels."""
    graph = VideoGraphBuilder()(random_video(num_frames, objects, 8))
    adjacency = NormalizedAdjacency(graph.edge_index, graph.edge_weight, graph.num_nodes)
    x = torch.randn(graph.num_nodes, CHANNELS)
    return lambda: adjacency.matmul(x)


def graph_convolution(num_frames: int, objects: int) -> Prepared:
    """One layer forward and backward, normalisation included, 512 channels."""
    graph = VideoGraphBuilder()(random_video(num_frames, objects, 8))
    x = torch.randn(graph.num_nodes, CHANNELS, requires_grad=True)
    layer, above = ResidualGCNConv(CHANNELS), torch.randn(graph.num_nodes, CHANNELS)

    def both() -> tuple[Tensor, ...]:
        return torch.autograd.grad(
            layer(x, graph.edge_index, graph.edge_weight), (x, layer.lin.weight), above
        )

    return both


def attention(num_frames: int, objects: int) -> Prepared:
    """The Transformer over the frames of a video, whose attention is dense."""
    model = CaptionTransformer(VOCABULARY, CHANNELS).eval().requires_grad_(False)
    frames, mask = torch.randn(1, num_frames, CHANNELS), torch.ones(1, num_frames, dtype=torch.bool)
    return lambda: model.encode(frames, mask)


def training_step(num_frames: int, objects: int) -> Prepared:
    """A step of STG-KD at the paper's widths: one video with one caption, graph given, Adam included."""
    graph = _graph(num_frames, objects)
    model, loss = _model(), DistillationLoss()
    optimizer = default_optimizer(model)(model.parameters())
    tokens = torch.randint(4, VOCABULARY, (1, WORDS))
    tokens[:, 0] = 1
    batch = CaptionBatch(graph, ["video"], tokens, torch.zeros(1, dtype=torch.long))

    def step() -> None:
        optimizer.zero_grad()
        loss(model, batch)["loss"].backward()
        optimizer.step()

    return step


def decoding(num_frames: int, objects: int) -> Prepared:
    """A caption by greedy search, written by the object branch for one video, encoding included."""
    graph, model = _graph(num_frames, objects), _model().eval()
    tokens = SpecialTokens(0, 1, 2, 3)

    def write() -> object:
        with torch.no_grad():
            return model.generate(graph, tokens, "object", decoding=Greedy())

    return write


WORK: dict[str, Callable[[int, int], Prepared]] = {
    "building": building,
    "aggregation": aggregation,
    "graph convolution": graph_convolution,
    "attention over frames": attention,
    "training step": training_step,
    "decoding": decoding,
}


def _graph(num_frames: int, objects: int) -> Any:
    video: Detections = random_video(num_frames, objects, WIDTH)
    appearance, motion = torch.randn(num_frames, WIDTH), torch.randn(num_frames, MOTION)
    return VideoGraphBuilder().build_batch([video], [appearance], [motion])


def _model() -> STGraphCaptioner:
    return STGraphCaptioner(
        VOCABULARY, appearance_channels=WIDTH, motion_channels=MOTION, object_channels=WIDTH
    )


def measured(work: str, num_frames: int, objects: int, least_seconds: float) -> dict[str, Any]:
    """One point, in a child process."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sender, work, num_frames, objects, least_seconds))
    child.start()
    sender.close()
    try:
        seconds, peak = receiver.recv()
    except EOFError:
        child.join()
        raise SystemExit(
            f"{work} of {num_frames} frames with {objects} objects ended with {child.exitcode}."
        ) from None
    child.join()
    return {
        "work": work,
        "frames": num_frames,
        "objects": objects,
        "seconds": seconds,
        "peak_mib": round(peak, 2),
    }


def _child(sender: Any, work: str, num_frames: int, objects: int, least_seconds: float) -> None:
    torch.manual_seed(0)
    WORK[work](4, 3)()  # loads what a first call loads
    run = WORK[work](num_frames, objects)
    peak = peak_growth(run)
    found: list[float] = []
    while len(found) < 3 or (sum(found) < least_seconds and len(found) < 200):
        begun = time.process_time()
        run()
        found.append(time.process_time() - begun)
    sender.send((statistics.median(found), math.nan if peak is None else peak))


def slope(points: Sequence[dict[str, Any]], name: str) -> float:
    """Least-squares slope of the logarithm of a value against that of the frames, from 500 frames on."""
    some = [(math.log(each["frames"]), math.log(each[name])) for each in points if each["frames"] >= 500]
    middle = [statistics.fmean(values) for values in zip(*some, strict=True)]
    over = sum((x - middle[0]) * (y - middle[1]) for x, y in some)
    return over / sum((x - middle[0]) ** 2 for x, _ in some)


def draw(points: Sequence[dict[str, Any]], path: Path) -> None:
    """Time and peak memory against frames and against objects, all axes logarithmic."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9.5, 7.2), sharey="row", constrained_layout=True)
    panels = (
        ("frames", f"frames of a video ({OBJECTS} objects each)"),
        ("objects", f"objects of a frame ({FRAMES} frames)"),
    )
    for column, (kind, title) in enumerate(panels):
        for name, marker in zip(WORK, "osD^vP", strict=True):
            some = sorted(
                (each for each in points if each["work"] == name and each["against"] == kind),
                key=lambda each: each[kind],
            )
            for row, value in enumerate(("seconds", "peak_mib")):
                shown = [each for each in some if each[value] >= (1 / 16 if row else 0)]
                axes[row][column].loglog(
                    [each[kind] for each in shown],
                    [each[value] for each in shown],
                    marker=marker,
                    markersize=4,
                    linewidth=1.2,
                    label=name,
                )
        axes[1][column].set_xlabel(title)
        for row in range(2):
            axes[row][column].grid(visible=True, which="major", linewidth=0.4, alpha=0.6)
            axes[row][column].set_xticks(
                sizes := sorted({each[kind] for each in points if each["against"] == kind}),
                [f"{size:,}" for size in sizes],
            )
            axes[row][column].minorticks_off()
    axes[0][0].set_ylabel("processor seconds")
    axes[1][0].set_ylabel("growth of memory, MiB")
    axes[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def table(record: dict[str, Any]) -> str:
    """Slopes, and time and memory of a long video, as Markdown."""
    lines = [
        "![Time and peak memory against frames and objects, on logarithmic axes](images/scaling.svg)",
        "",
        f"Measured on {record['device']}, one thread, commit {str(record['commit'])[:10]}. A slope is that of the logarithm "
        f"of the value against the logarithm of the frames, from 500 to {LENGTHS[-1]:,}: 1 is linear, 2 quadratic.",
        "",
        "| work | slope of the time | slope of the memory | promised "
        f"| {TRAINING_FRAMES:,} frames of {OBJECTS} objects | memory |",
        "|---|---|---|---|---|---|",
    ]
    for work, slopes in record["slopes"].items():
        one = next(
            each
            for each in record["points"]
            if (each["work"], each["frames"], each["objects"]) == (work, TRAINING_FRAMES, OBJECTS)
        )
        lines.append(
            f"| {work} | {slopes['seconds']:.2f} | {slopes['peak_mib']:.2f} | "
            f"{f'at most {STEEPEST}' if work in LINEAR else ''} | {readable(one['seconds'])} | {one['peak_mib']:,.0f} MiB |"
        )
    return "\n".join(lines) + "\n"


def all_points(works: Sequence[str], quick: bool) -> Iterator[dict[str, Any]]:
    """Every point, against frames and against objects."""
    lengths = LENGTHS[:3] if quick else LENGTHS
    counts = COUNTS[:2] if quick else COUNTS
    for work in works:
        for against, sizes in (
            ("frames", [(each, OBJECTS) for each in lengths]),
            ("objects", [(FRAMES, each) for each in counts]),
        ):
            for num_frames, objects in sizes:
                point = measured(work, num_frames, objects, 0.1 if quick else 1.0)
                yield {**point, "against": against}


def slopes_of(points: Sequence[dict[str, Any]], works: Sequence[str]) -> dict[str, dict[str, float]]:
    """Slopes of time and memory of each work against frames."""
    return {
        work: {
            name: round(
                slope([each for each in points if (each["work"], each["against"]) == (work, "frames")], name),
                3,
            )
            for name in ("seconds", "peak_mib")
        }
        for work in works
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--quick", action="store_true", help="short videos, to see that it runs")
    parser.add_argument("--print", action="store_true", help="print the points only; write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    points = []
    for point in all_points(options.work, options.quick):
        points.append(point)
        print(json.dumps(point), flush=True)
    if options.print:
        return
    record = {**run_record(seed=0), "device": device_name(), "points": points}
    if not options.quick:
        record |= {
            "slopes": slopes_of(points, options.work),
            "steepest_promised": dict.fromkeys(LINEAR, STEEPEST),
        }
        print(json.dumps(record["slopes"], indent=1))
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(options.out / "scaling.json", json.dumps(record, indent=1) + "\n")
    if options.quick:
        draw(points, options.out / "scaling.svg")
    else:
        draw(points, PAGE.parent / "images" / "scaling.svg")
        replace_between(PAGE, BEGIN, END, table(record))


if __name__ == "__main__":
    main()
