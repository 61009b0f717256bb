"""STAT and STaTS learn the captions of 27 real clips by heart, from the boxes that a real detector found in them."""

import json

import pytest

from stgraph.cli import main
from stgraph.datasets import CaptionCorpus, VideoCaptions

COMMON = [
    "data=store",
    "data.cache=true",
    "data.loader.batch_size=32",
    "graph=none",
    "graph.score_threshold=0.2",
    "optimizer=adam",
    "optimizer.fused=true",
    "schedule=cosine",
    "schedule.warmup_steps=20",
    "trainer.gradient_clip_val=10",
    "trainer.enable_progress_bar=false",
    "seed=0",
]
# What a step takes decides the time, so there are 600 of STAT's and 300 of STaTS's, which cost twice as much.
SYSTEMS = {
    "stat": [
        "model.streams=[appearance,object]",
        *(f"model.{name}_channels=128" for name in ("stream", "attention", "word", "hidden")),
        "model.dropout=0.0",
        "optimizer.lr=4e-3",
        "data.loader.captions_per_epoch=4",
        "trainer.max_epochs=200",
    ],
    "stats": [
        "model.streams=[object]",
        *(f"model.{name}_channels=128" for name in ("embedding", "attention", "word")),
        "model.hidden_channels=256",
        "model.input_norm=layer",
        "loss.sampling_decay=null",  # published per epoch; an epoch is one step here, so own words alone would soon be fed
        "optimizer.lr=3e-3",
        "data.num_frames=5",
        "data.loader.captions_per_epoch=1",
        "trainer.max_epochs=300",
    ],
}


@pytest.fixture(scope="module")
def data(real_data, tmp_path_factory):
    """A store of the clips, and their captions, all of them for training."""
    folder = tmp_path_factory.mktemp("clips")
    call = [
        "store",
        "import",
        str(real_data / "detections"),
        str(folder / "store.h5"),
        "--layout",
        "detections",
    ]
    made = ["--extractor", "appearance=mobilenet", "--extractor", "object=yolo-fastest"]
    assert main([*call, *made]) == 0
    given = json.loads((real_data / "clips" / "captions.json").read_text())
    assert len(given) == 27
    everything = {name: VideoCaptions("train", tuple(entry["captions"])) for name, entry in given.items()}
    CaptionCorpus(everything).save(folder / "captions.json")
    return [f"data.dataset.store={folder / 'store.h5'}", f"data.dataset.captions={folder / 'captions.json'}"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_learns_the_clips_by_heart_with_regions(system, data, tmp_path):
    run = tmp_path / system
    assert main(["train", f"model={system}", *COMMON, *SYSTEMS[system], *data, f"run={run}"]) == 0
    assert main(["evaluate", str(run), "split=train"]) == 0
    found = json.loads((run / f"evaluation-train-{system}.json").read_text())
    assert found["videos"] == 27
    assert found["scores"]["BLEU-4"] >= 0.8
