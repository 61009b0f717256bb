"""A training step of STG-KD, compared with the model written plainly, at equal loss and gradients.

``python -m benchmarks.speed.training [--quick]`` prints the rows as JSON. A step takes the features of 64 pairs of a video
and a caption, computes the loss of Eq. 8 and its gradients and updates the weights (Adam). Dropout is 0. The peer has one
caption a sample. Of ours there are further rows: 16 captions share a video, and bfloat16 (autocast), whose loss is only
near that of float32, on processors that multiply it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from benchmarks.speed.building import random_video
from benchmarks.speed.measuring import Row, compare, copy_rate, operations_of, product_rate, run_alone
from benchmarks.speed.plain_stgkd import PlainSTGKD
from stgraph import STGraphCaptioner, VideoGraphBuilder
from stgraph.datasets import CaptionBatch
from stgraph.training import DistillationLoss
from stgraph.training.module import default_optimizer
from stgraph.training.trainer_arguments import multiplies_bfloat16

PAIRS, FRAMES, OBJECTS, WIDTH, MOTION, VOCABULARY = 64, 10, 5, 2048, 1024, 10_000
LENGTHS = (5, 13)
"""Words of a caption with its end token, from and below; those of MSVD have 7 words on average."""
SHARED = 16


def rows(quick: bool) -> list[Row]:
    """One caption a video in float32; 16 captions a video; that in bfloat16, if the processor multiplies it."""
    halves = multiplies_bfloat16()
    found = [
        _row(quick, "one caption a video", PAIRS, torch.float32, 1.2),
        _row(quick, f"{SHARED} captions a video", PAIRS // SHARED, torch.float32, None if halves else 1.7),
    ]
    if halves:
        found.append(
            _row(quick, f"{SHARED} captions a video, bfloat16", PAIRS // SHARED, torch.bfloat16, 1.7)
        )
    return found


def _row(quick: bool, name: str, num_videos: int, dtype: torch.dtype, promise: float | None) -> Row:
    torch.manual_seed(0)
    ours = STGraphCaptioner(
        VOCABULARY, appearance_channels=WIDTH, motion_channels=MOTION, object_channels=WIDTH, dropout=0.0
    )
    theirs = PlainSTGKD(ours, FRAMES, OBJECTS)
    graphs, tokens, video = pairs(num_videos)
    inputs = _plain_inputs(graphs, tokens, video)
    loss, batch = (
        DistillationLoss(),
        CaptionBatch(graphs, [str(each) for each in range(num_videos)], tokens, video),
    )
    optimizers = [default_optimizer(ours)(ours.parameters()), torch.optim.Adam(theirs.parameters(), lr=1e-4)]

    def our_loss() -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            return loss(ours, batch)["loss"]

    def their_loss() -> Tensor:
        return theirs.loss(theirs(*inputs), tokens[:, 1:])

    distance = _check_equal(our_loss, their_loss, ours, theirs, dtype)
    steps = [_step(optimizers[0], our_loss), _step(optimizers[1], their_loss)]
    operations, least = _floor(steps[0], ours, dtype)
    return compare(
        f"training, {name}",
        f"a step of STG-KD at the paper's sizes, {PAIRS} pairs of {num_videos} videos, V={VOCABULARY}",
        steps[0],
        "the model written plainly, one caption a sample, float32",
        steps[1],
        rounds=2 if quick else 5,
        warm=quick,
        promise=promise,
        floor=(
            least,
            f"{operations / 1e9:.0f} billion operations of its matrix products, weights and moments of Adam once",
        ),
        distance_of_the_loss=distance,
    )


def pairs(num_videos: int) -> tuple[Batch, Tensor, Tensor]:
    """Graphs of random videos, and captions of random words and lengths that fall evenly on them."""
    draw = torch.Generator().manual_seed(1)
    videos = [random_video(FRAMES, OBJECTS, WIDTH, seed) for seed in range(num_videos)]
    streams = [[torch.randn(FRAMES, width, generator=draw) for _ in videos] for width in (WIDTH, MOTION)]
    graphs = VideoGraphBuilder().build_batch(videos, *streams)
    lengths = torch.randint(*LENGTHS, (PAIRS,), generator=draw)
    tokens = torch.randint(4, VOCABULARY, (PAIRS, LENGTHS[1]), generator=draw)
    place = torch.arange(LENGTHS[1])
    tokens = torch.where(place < lengths[:, None], tokens, torch.where(place == lengths[:, None], 2, 0))
    tokens[:, 0] = 1
    return graphs, tokens, torch.arange(PAIRS) % num_videos


def _plain_inputs(graphs: Batch, tokens: Tensor, video: Tensor) -> tuple[Tensor, ...]:
    """The same as one sample a caption, with dense matrices."""
    nodes, count = FRAMES * OBJECTS, graphs.num_graphs
    dense = torch.zeros(count, nodes, nodes)
    row, col = graphs.edge_index
    dense[row // nodes, row % nodes, col % nodes] = graphs.edge_weight
    return (
        graphs.x.view(count, nodes, -1)[video],
        dense[video],
        graphs.appearance.view(count, FRAMES, -1)[video],
        graphs.motion.view(count, FRAMES, -1)[video],
        tokens[:, :-1],
    )


def _check_equal(
    our_loss: Callable[[], Tensor],
    their_loss: Callable[[], Tensor],
    ours: STGraphCaptioner,
    theirs: PlainSTGKD,
    dtype: torch.dtype,
) -> float:
    """Compares the loss and, in float32, the gradients of some weights at all depths; returns the distance of the loss."""
    values = []
    for model, loss in ((ours, our_loss), (theirs, their_loss)):
        model.zero_grad()
        values.append(loss())
        values[-1].backward()
    distance = float((values[0] - values[1]).abs())
    encoders: Any = ours.encoders
    checked: list[tuple[nn.Linear, nn.Linear]] = [
        (encoders["object"].project, theirs.project),
        (encoders["object"].layers[0].lin, theirs.convs[0]),
        (encoders["scene"].motion, theirs.motion),
        *((ours.decoder_of(branch).lm_head, theirs.branches[branch].head) for branch in ("scene", "object")),
    ]
    if dtype == torch.float32:
        torch.testing.assert_close(values[0], values[1], rtol=1e-5, atol=1e-5)
        for mine, other in checked:
            torch.testing.assert_close(mine.weight.grad, other.weight.grad, rtol=1e-3, atol=1e-5)
    return distance


def _step(optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> Callable[[], None]:
    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def _floor(step: Callable[[], None], model: nn.Module, dtype: torch.dtype) -> tuple[float, float]:
    """Operations of the matrix products of a step, and the seconds they take with Adam's memory traffic."""
    operations = operations_of(step)
    weights = sum(each.numel() for each in model.parameters())
    # Adam reads the gradient and reads and writes the weight and both moments.
    return operations, operations / product_rate(dtype) + 3.5 * 4 * weights / copy_rate()


if __name__ == "__main__":
    run_alone(rows, __doc__)
