"""Bad input of every kind that comes in today: one sentence, the value that is wrong, what to do; nothing is lost."""

import json
import os
import re
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from stgraph import CaptionPipeline, Detections, VideoFeatures, VideoGraphBuilder
from stgraph.datasets import CaptionCorpus, open_dataset
from stgraph.errors import StgraphError
from stgraph.features.importers import read_detections_folder
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter
from stgraph.metrics import CaptionEvaluator
from stgraph.models.model_folder import _file_inside as file_inside
from stgraph.settings.compose import compose
from stgraph.text import CaptionTokenizer

GOOD = {
    "boxes": [[0, 0, 10, 10], [5, 5, 20, 20]],
    "scores": [0.9, 0.8],
    "features": [[1.0, 2.0], [3.0, 4.0]],
    "frame": [0, 1],
    "num_frames": 2,
    "size": (24, 32),
}
RECORDS = {"object": ExtractorRecord("detector", "none", {})}


def video(name="v", **changed):
    return VideoFeatures(
        id=name,
        size=(24, 32),
        frame_index=torch.tensor([3, 9]),
        frame_time=torch.tensor([0.1, 0.3]),
        detections=Detections(**{**GOOD, **changed}),
    )


def store(path, *videos):
    with FeatureStoreWriter(path, extractors=RECORDS) as writer:
        for one in videos:
            writer.add(one)
    return path


def nan_features(tmp_path):
    Detections(**{**GOOD, "features": [[1.0, 2.0], [float("nan"), 4.0]]})


def box_outside(tmp_path):
    Detections(**{**GOOD, "boxes": [[0, 0, 10, 10], [40, 5, 50, 20]]})


def box_inside_out(tmp_path):
    Detections(**{**GOOD, "boxes": [[0, 0, 10, 10], [20, 5, 5, 20]]})


def frame_number_of_the_file(tmp_path):
    Detections(**{**GOOD, "frame": [0, 30]})


def lengths_that_differ(tmp_path):
    Detections(**{**GOOD, "scores": [0.9]})


def box_in_a_frame_that_was_not_sampled(tmp_path):
    Detections.from_raw(boxes=GOOD["boxes"], frame_numbers=[3, 7], sampled=[3, 9], size=(24, 32))


def widths_that_differ_in_one_store(tmp_path):
    store(tmp_path / "s.h5", video("a"), video("b", features=[[1.0], [2.0]]))


def widths_that_differ_in_one_batch(tmp_path):
    VideoGraphBuilder().build_batch([Detections(**GOOD), Detections(**{**GOOD, "features": [[1.0], [2.0]]})])


def one_video_twice(tmp_path):
    store(tmp_path / "s.h5", video("a"), video("a"))


def features_beyond_half_precision(tmp_path):
    store(tmp_path / "s.h5", video("a", features=[[1.0, 2.0], [3.0, 1e6]]))


def two_writers(tmp_path):
    with FeatureStoreWriter(tmp_path / "s.h5", extractors=RECORDS):
        store(tmp_path / "s.h5", video("a"))


def unknown_video(tmp_path):
    FeatureStore(store(tmp_path / "s.h5", video("video12")))["video13"]


def truncated_store(tmp_path):
    path = store(tmp_path / "s.h5", video("a"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    FeatureStore(path)["a"]


def newer_store(tmp_path):
    path = store(tmp_path / "s.h5", video("a"))
    with h5py.File(path, "r+") as file:
        (name,) = [name for name in file.attrs if "version" in name]
        file.attrs[name] = 99
    FeatureStore(path)["a"]


def missing_store(tmp_path):
    _ = FeatureStore(tmp_path / "nothing.h5").ids


def detections_without_a_key(tmp_path):
    (tmp_path / "v.json").write_text(json.dumps({"width": 32, "height": 24, "frames": []}))
    list(read_detections_folder(tmp_path)[0])


def captions_without_a_split(tmp_path):
    (tmp_path / "captions.json").write_text(json.dumps({"v": {"captions": ["a dog"]}}))
    CaptionCorpus.load(tmp_path / "captions.json")


def captions_of_no_video(tmp_path):
    CaptionEvaluator({"a": ["a dog runs"]}, metrics=["BLEU-4"])({"b": "a dog runs"})


def rule_that_answers_nonsense(tmp_path):
    def one_too_far(boxes, features, frame):
        return torch.tensor([[0], [len(boxes)]]), torch.ones(1)

    VideoGraphBuilder(spatial=one_too_far)(Detections(**GOOD))


def typo_in_an_override(tmp_path):
    compose("train", ["trainer.max_epoch=3"])


def unreadable_override(tmp_path):
    compose("train", ["model.hidden_channels=[1,"])


def name_that_leaves_the_model_folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_text("x")
    file_inside(tmp_path / "model", "../secret")


CASES = {
    nan_features: ("'features' must be finite, got [nan, 4.0] in row 1", "fix or drop"),
    box_outside: ("[40.0, 5.0, 50.0, 20.0] in row 1", "clip or remove"),
    box_inside_out: ("x1 < x2 and y1 < y2", "[20.0, 5.0, 5.0, 20.0] in row 1"),
    frame_number_of_the_file: ("0..1", "got 30", "from_raw"),
    lengths_that_differ: ("'scores' must be [N=2], got [1]",),
    box_in_a_frame_that_was_not_sampled: ("got 7", "add that frame"),
    widths_that_differ_in_one_store: ("'b'",),
    widths_that_differ_in_one_batch: ("features",),
    one_video_twice: ("'a'",),
    features_beyond_half_precision: ("float16", "float32"),
    two_writers: ("being written",),
    unknown_video: ("'video13'", "'video12'"),
    truncated_store: ("s.h5",),
    newer_store: ("99",),
    missing_store: ("nothing.h5",),
    detections_without_a_key: ("v.json", "num_frames"),
    captions_without_a_split: ("'v'", "split"),
    captions_of_no_video: ("1 are missing ('a')",),
    rule_that_answers_nonsense: ("one_too_far",),
    typo_in_an_override: ("'trainer.max_epoch'", "did you mean 'trainer.max_epochs'?"),
    unreadable_override: ("model.hidden_channels",),
    name_that_leaves_the_model_folder: ("'../secret' leads out of the model folder",),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_is_named_in_one_sentence(case, tmp_path):
    with pytest.raises(StgraphError) as caught:
        case(tmp_path)
    message = str(caught.value)
    for part in CASES[case]:
        assert part in message
    assert "\n" not in message
    assert len(message) < 600


def test_a_full_disk_leaves_the_old_store_as_it_was(tmp_path, monkeypatch):
    path = store(tmp_path / "s.h5", video("a"))
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", _no_room)
    with (
        pytest.raises(StgraphError, match="room"),
        FeatureStoreWriter(path, extractors=RECORDS, append=True) as writer,
    ):
        writer.add(video("b"))
    assert path.read_bytes() == before


def _no_room(*_):
    raise OSError(28, "No space left on device")


def test_captions_with_newlines_quotes_and_ten_thousand_words_are_read():
    odd = ['a "dog"\nruns', "dog " * 10_000, "a dog's ball, isn't it?\t\x00"]
    tokenizer = CaptionTokenizer.from_captions(odd)
    assert tokenizer.encode(odd).shape == (3, 22)
    assert tokenizer.decode(tokenizer.encode(odd[:1])) == ["a dog runs"]


def test_videos_without_objects_and_of_one_frame_have_captions(folder):
    captioner, dataset = CaptionPipeline.from_pretrained(folder), open_dataset("interactions", size="tiny")
    whole = dataset.store[dataset.store.ids[0]]
    nothing = replace(whole, detections=whole.detections.select(torch.zeros(0, dtype=torch.long)))
    single = replace(whole.sample(1))
    for branch in ("scene", "object"):
        for odd in (nothing, single):
            caption = captioner.caption(odd, branch)
            assert re.fullmatch(r"[a-z ]+", caption.text)
            assert np.isfinite(caption.log_probs).all()
