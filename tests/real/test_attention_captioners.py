"""STAT and STaTS learn the captions of 27 real clips by heart, from the boxes that a real detector found in them."""

import json
from functools import partial

import lightning
import pytest
from torch.optim import Adam

from stgraph import CaptionDataModule, STATCaptioner, STaTSCaptioner, VideoGraphBuilder, train_captioner
from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.features.importers import read_detections_folder
from stgraph.features.store import ExtractorRecord, FeatureStoreWriter
from stgraph.training import STATLoss, STaTSLoss, cosine_with_warmup

WITHOUT_EDGES = VideoGraphBuilder(None, None, max_objects=5, score_threshold=0.2)


def stat(data):
    sizes = {f"{name}_channels": 128 for name in ("stream", "attention", "word", "hidden")}
    model = STATCaptioner.for_data(
        data, streams=["appearance", "object"], dropout=0.0, initialization="torch", **sizes
    )
    return model, STATLoss()


def stats(data):
    sizes = {f"{name}_channels": 128 for name in ("embedding", "attention", "word")}
    model = STaTSCaptioner.for_data(
        data, streams=["object"], hidden_channels=256, input_norm="layer", **sizes
    )
    # Published per epoch; an epoch is one step here, so that only sampled words would soon be fed.
    return model, STaTSLoss(sampling_decay=None)


# The time is that of the steps, so there are 600 of STAT's and 300 of STaTS's, which take twice as long.
SYSTEMS = {
    "stat": (stat, {"captions_per_epoch": 4}, {"lr": 4e-3, "max_epochs": 200}),
    "stats": (stats, {"captions_per_epoch": 1, "num_frames": 5}, {"lr": 3e-3, "max_epochs": 300}),
}


@pytest.fixture(scope="module")
def clips(real_data, tmp_path_factory):
    """A store of the clips, and their captions, all of them for training."""
    store = tmp_path_factory.mktemp("clips") / "store.h5"
    videos, labels = read_detections_folder(real_data / "detections")
    records = {
        "appearance": ExtractorRecord("mobilenet", "unknown", {}),
        "object": ExtractorRecord("yolo-fastest", "unknown", {}),
    }
    with FeatureStoreWriter(store, extractors=records, label_names=labels) as writer:
        for video in videos:
            writer.add(video)
    given = json.loads((real_data / "clips" / "captions.json").read_text())
    assert len(given) == 27
    captions = {name: VideoCaptions("train", tuple(entry["captions"])) for name, entry in given.items()}
    return store, CaptionCorpus(captions)


@pytest.mark.parametrize("system", SYSTEMS)
def test_learns_the_clips_by_heart_with_regions(system, clips, tmp_path):
    build, loading, training = SYSTEMS[system]
    data = CaptionDataModule.from_store(*clips, builder=WITHOUT_EDGES, cache=True, batch_size=32, **loading)
    lightning.seed_everything(0, verbose=False)
    model, loss = build(data)
    captioner = train_captioner(
        model,
        data,
        tmp_path / system,
        loss=loss,
        optimizer=partial(Adam, lr=training["lr"], fused=True),
        schedule=partial(cosine_with_warmup, warmup_steps=20),
        max_epochs=training["max_epochs"],
        gradient_clip_val=10,
        enable_progress_bar=False,
    )
    found = captioner.evaluate(data, split="train")
    assert len(found.captions) == 27
    assert found.scores["BLEU-4"] >= 0.8
