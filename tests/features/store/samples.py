"""Random videos, the records of their streams, and stores with them."""

import struct

import h5py
import torch

from stgraph.features import Detections, ExtractorRecord, FeatureStoreWriter, GridFeatures, VideoFeatures

STREAMS = ("appearance", "motion", "object", "grid/cells")
LABELS = ("cat", "dog", "person")
SIZE = (60, 80)


def record(name="net", weights="abc", **settings):
    return ExtractorRecord(name, weights, {"torch": "2.14"}, settings)


def records(streams=STREAMS):
    return {stream: record(stream) for stream in streams}


def random_video(seed, counts=(2, 0, 3), clips=2, streams=STREAMS, width=5, name=None):
    """Creates a video with ``counts[t]`` boxes in frame t, whose features are exact in float16."""
    draw = torch.Generator().manual_seed(seed)

    def rows(*shape):
        return torch.randn(*shape, generator=draw).half().float()

    num_frames, num_boxes = len(counts), sum(counts)
    corner = torch.rand(num_boxes, 2, generator=draw) * 50
    index = torch.arange(num_frames) * 3 + seed % 2
    detections = Detections(
        boxes=torch.cat([corner, corner + 1 + torch.rand(num_boxes, 2, generator=draw) * 40], dim=1),
        scores=torch.rand(num_boxes, generator=draw),
        features=rows(num_boxes, width),
        frame=torch.arange(num_frames).repeat_interleave(torch.tensor(counts)),
        num_frames=num_frames,
        size=SIZE,
        labels=torch.randint(-1, len(LABELS), (num_boxes,), generator=draw),
        track=torch.randint(-1, 9, (num_boxes,), generator=draw),
        frame_index=index,
        time=index / 25,
    )
    start = torch.arange(clips) * 16
    return VideoFeatures(
        id=name or f"video{seed}",
        size=SIZE,
        frame_index=index,
        frame_time=index / 25,
        fps=29.97,
        file_frames=1000 + seed,
        appearance=rows(num_frames, 4) if "appearance" in streams else None,
        motion=rows(clips, 6) if "motion" in streams else None,
        clip_start=start if "motion" in streams else None,
        detections=detections if "object" in streams else None,
        grids={"cells": GridFeatures(rows(clips, 4, 3), start)} if "grid/cells" in streams else {},
    )


def write(path, videos, streams=STREAMS, **options):
    given = {"extractors": records(streams), "label_names": LABELS} | options
    with FeatureStoreWriter(path, **given) as writer:
        for video in videos:
            writer.add(video)
    return path


def write_version_1(path, videos):
    """Writes a store as the first version of the format had it: texts of variable length and no checksums."""
    new = write(path.with_suffix(".new.h5"), videos)
    with h5py.File(new) as old, h5py.File(path, "w", alignment_threshold=1, alignment_interval=64) as file:
        for name, value in old.attrs.items():
            if name != "checksums":
                file.attrs[name] = value.decode() if isinstance(value, bytes) else value
        file.attrs["version"] = 1

        def copy(name, item):
            if name == "video/id":
                file.create_dataset(name, data=item.asstr()[:].astype(object), dtype=h5py.string_dtype())
            elif isinstance(item, h5py.Dataset):
                file.create_dataset(name, data=item[:])

        old.visititems(copy)
    new.unlink()
    return path


def assert_same(got, expected):
    """Checks that all values of two videos are equal bit by bit."""
    for name in ("id", "size", "file_frames"):
        assert getattr(got, name) == getattr(expected, name)
    assert struct.pack("d", got.fps) == struct.pack("d", expected.fps)
    for name in ("frame_index", "frame_time", "appearance", "motion", "clip_start"):
        assert_equal(getattr(got, name), getattr(expected, name))
    assert (got.detections is None) == (expected.detections is None)
    if expected.detections is not None:
        ours = got.detections.to_dict()
        for name, value in expected.detections.to_dict().items():
            if isinstance(value, torch.Tensor):
                assert_equal(ours[name], value)
            else:
                assert ours[name] == value
    assert got.grids.keys() == expected.grids.keys()
    for name, grid in expected.grids.items():
        assert_equal(got.grids[name].values, grid.values)
        assert_equal(got.grids[name].start, grid.start)


def assert_equal(got, expected):
    """Checks that two tensors, or two Nones, are equal; NaN, which stands for an unknown time, equals NaN."""
    assert (got is None) == (expected is None)
    if expected is not None:
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        assert got.numpy().tobytes() == expected.numpy().tobytes()
