"""The three systems with random weights, far from uniform, and ragged videos that they write about."""

import functools
from itertools import product

import torch

from stgraph import Detections, VideoGraphBuilder
from stgraph.models import (
    STATCaptioner,
    STaTSCaptioner,
    STGraphCaptioner,
)
from tests.decoding.models import BOS

OBJECT, SCENE, MOTION = 6, 5, 3  # widths
# Regions of each frame, by video: other numbers of frames, a frame without regions, a video without any.
COUNTS = {"ant": (3, 0, 2, 1), "bee": (1, 4), "cat": (2, 1, 3), "dog": (0, 0), "elk": (1, 2, 2, 0, 1)}
SYSTEMS = ("scene", "object", "stat", "stats")

STREAMS = {"appearance_channels": SCENE, "motion_channels": MOTION, "object_channels": OBJECT}
RECURRENT = {"attention_channels": 4, "word_channels": 7, "hidden_channels": 8}
TRANSFORMER = {"hidden_channels": 16, "num_heads": 2, "feedforward_channels": 32}


def system(name, vocab_size=30, max_length=8, seed=0, **changed):
    """One of ``SYSTEMS`` in evaluation mode; what it says depends on the video and on the words before."""
    torch.manual_seed(seed)
    sizes = {"vocab_size": vocab_size, "max_length": max_length}
    if name == "stat":
        model = STATCaptioner(**sizes, **STREAMS, **RECURRENT, stream_channels=6, initialization="torch")
    elif name == "stats":
        boxes = {"object_channels": OBJECT, "grid_channels": {"rgb": 4}}
        model = STaTSCaptioner(**sizes, **boxes, **RECURRENT, embedding_channels=6)
    else:
        model = STGraphCaptioner(**{**sizes, **STREAMS, **TRANSFORMER, "pool": "attention", **changed})
    with torch.no_grad():
        for part, weights in model.named_parameters():
            if part.endswith("pool.score.weight"):  # these start as zeros
                torch.nn.init.normal_(weights)
            elif "lm_head.weight" in part or "embedding.weight" in part:
                weights *= 4.0
            elif weights.dim() == 2 and name in ("stat", "stats"):
                weights *= 2.0
    return model.eval()


@functools.cache
def _video(name):
    generator = torch.Generator().manual_seed(sorted(COUNTS).index(name))

    def draw(*shape):
        return 2 * torch.randn(*shape, generator=generator)

    counts = COUNTS[name]
    frame = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    corner, size = (60 * torch.rand(len(frame), 2, generator=generator) for _ in range(2))
    detections = Detections(
        boxes=torch.cat([corner, corner + size + 5], 1),
        scores=torch.ones(len(frame)),
        features=draw(len(frame), OBJECT),
        frame=frame,
        num_frames=len(counts),
        size=(130, 130),
    )
    return detections, draw(len(counts), SCENE), draw(len(counts), MOTION), draw(len(counts), 9, 4)


def videos(names):
    """A batch of videos by name, in this order."""
    detections, appearance, motion, grids = zip(*(_video(name) for name in names), strict=True)
    batch = VideoGraphBuilder().build_batch(detections, appearance, motion, video_id=list(names))
    batch.rgb = torch.cat(grids)
    return batch


@torch.no_grad()
def next_log_probs(model, branch, name, words, longest):
    """Of one video alone after up to ``longest`` of ``words``, by whole sentences, without the states of decoding."""
    sentences = list(product(words, repeat=longest))
    tokens = torch.tensor([[BOS, *sentence] for sentence in sentences])
    scores = model(videos([name]), tokens, torch.zeros(len(tokens), dtype=torch.long))[branch]
    after = {
        sentence[:length]: log_probs
        for sentence, rows in zip(sentences, scores.log_softmax(-1).tolist(), strict=True)
        for length, log_probs in enumerate(rows)
    }
    return lambda said: after[tuple(said)]
