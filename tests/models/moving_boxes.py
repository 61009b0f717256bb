"""Two boxes, one of which moves: graphs whose targets can be told from the motion alone."""

import torch

import stgraph as sg
from stgraph import Detections, VideoGraphBuilder

BUILDER = VideoGraphBuilder("iou", "track")


def moving(seed, frames=5, speed=None):
    """A hand (label 0, track 0) that moves at ``speed`` pixels a frame, and a cup (1, 1) that stands still."""
    random = torch.Generator().manual_seed(seed)
    place = 20 + 40 * torch.rand(2, 2, generator=random)
    speed = 3.0 * (seed % 2 * 2 - 1) if speed is None else speed
    boxes, numbers = [], []
    for frame in range(frames):
        for thing in range(2):
            x, y = place[thing].tolist()
            x += speed * frame * (thing == 0)
            boxes.append([x, y, x + 10, y + 12])
            numbers.append(frame)
    detections = Detections.from_raw(
        boxes=boxes,
        frame_numbers=numbers,
        labels=[0, 1] * frames,
        track=[0, 1] * frames,
        size=(120, 160),
        fps=10,
    )
    return BUILDER(detections, video_id=f"v{seed}")


def target(level, seed):
    name = "left" if seed % 2 == 0 else "right"
    if level == "graph":
        return name
    if level == "track":
        return {0: name, 1: "still"}
    return {(0, 1): (name,), (4, 5): (name, "later")}


def moving_data(level="graph", train=24, val=8, test=8, **options):
    """Graphs of the three splits; the direction is left or right by the seed."""
    splits, begin = {}, 0
    for split, count in (("train", train), ("val", val), ("test", test)):
        pairs = []
        for seed in range(begin, begin + count):
            graph = moving(seed)
            graph.group = f"person {seed % 3}"
            pairs.append((graph, target(level, seed)))
        splits[split], begin = pairs, begin + count
    return sg.ClassificationDataModule(
        **splits, **{"batch_size": 8, "builder": BUILDER, "label_names": ("hand", "cup"), **options}
    )
