"""CAD-120, JAAD and MSR-VTT 1000: the facts that their README states."""

from collections import Counter

import pytest
import torch

from stgraph.datasets import read_msrvtt1000_captions
from stgraph.datasets.tracks import CAD120, JAAD, clip_examples, relation_examples, track_examples
from stgraph.features.importers import read_npy_folders


@pytest.fixture(scope="module")
def cad(real_data):
    return CAD120(real_data / "tracks" / "cad120")


@pytest.fixture(scope="module")
def jaad(real_data):
    return JAAD(real_data / "tracks" / "jaad")


def test_every_video_of_cad120(cad):
    assert len(cad) == 93
    assert {fold.group: len(fold.test) for fold in cad.leave_one_out()} == dict.fromkeys(
        ("Subject1", "Subject3", "Subject5"), 31
    )
    boxes = dropped = 0
    kinds: Counter[str] = Counter()
    for video in cad:
        boxes += len(video.detections)
        dropped += video.dropped.get("empty boxes", 0)
        assert set(video.dropped) <= {"empty boxes", "relations of a thing without a box"}
        kinds.update(segment.kind for segment in video.segments)
        size = video.detections.boxes[:, 2:] - video.detections.boxes[:, :2]
        assert bool((size > 0).all())
        i, j = video.relation_index
        assert torch.equal(video.detections.frame[i], video.detections.frame[j])
    assert dropped / (boxes + dropped) == pytest.approx(0.11, abs=0.005)
    assert kinds == {"action": 411, "caption": 475}


def test_examples_of_cad120(cad):
    clips = clip_examples(cad, leave_out=("null",))
    assert len(clips) == 292
    assert Counter(label for _, label in clips).most_common(2) == [("pick", 78), ("place", 74)]
    held = relation_examples(cad, relations=("holding", "not_holding"), ids=cad.ids[:5])
    names = cad.label_names
    for graph, pairs in held:
        assert all(graph.frame[i] == graph.frame[j] for i, j in pairs)
        assert all(len(relations) == 1 for relations in pairs.values())
        assert {names[graph.label[i]] for i, _ in pairs} == {"hand"}


def test_every_video_of_jaad(jaad):
    assert Counter(map(jaad.split_of, jaad.ids)) == {"train": 188, "val": 32}
    for video in jaad:
        assert video.dropped == {}
        behaves = video.detections.labels == jaad.label_names.index("pedestrian")
        assert bool((video.states["crossing"][behaves] >= 0).all())
        assert bool((video.states["crossing"][~behaves] == -1).all())
        assert sum(segment.end - segment.start for segment in video.segments) in (
            0,
            video.detections.num_frames,
        )


def test_examples_of_jaad(jaad):
    windows = track_examples(jaad, state="crossing", ids=jaad.split("val"))
    told = Counter(label for _, target in windows for label in target.values())
    assert set(told) == {"crossing", "not crossing"}
    assert min(told.values()) > 100


def test_msrvtt1000(real_data):
    corpus = read_msrvtt1000_captions(real_data / "corpora" / "msrvtt" / "all.json.gz")
    assert [len(corpus.ids(split)) for split in ("train", "val", "test")] == [600, 100, 100]
    videos = read_npy_folders({"appearance": real_data / "features" / "msrvtt1000" / "vgg16_ae128"})
    first = next(iter(videos))
    assert first.appearance.shape == (50, 128)
    assert {video.id for video in videos} >= set(corpus.ids())
    assert all(len(corpus.captions(video)) == 20 for video in corpus.ids())
