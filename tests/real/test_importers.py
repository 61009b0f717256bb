"""Features that somebody extracted from 347 real videos, imported in one command."""

import numpy as np

from stgraph.cli import main
from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.features import FeatureStore
from stgraph.features.store import validate
from stgraph.parsing import read_json


def test_all_videos_in_one_command(real_data, tmp_path, capsys):
    source, path = real_data / "features" / "vrd", tmp_path / "vrd.h5"
    call = ["store", "import", str(source), str(path), "--layout", "npy"]
    assert main([*call, "--appearance", "resnet152", "--motion", "conv3d"]) == 0
    assert "347 videos" in capsys.readouterr().out
    assert validate(path) == []
    store = FeatureStore(path)
    assert store.widths == {"appearance": 2048, "motion": 512}
    assert {store.num_frames(video) for video in store.ids} == {40}
    captions = read_json(source / "captions.json")
    corpus = CaptionCorpus({video: VideoCaptions("train", tuple(lines)) for video, lines in captions.items()})
    assert corpus.check_against(store.ids) == []
    for video_id in store.ids[::20]:
        video = store[video_id]
        assert np.array_equal(video.appearance.numpy(), np.load(source / "resnet152" / f"{video_id}.npy"))
        motion = np.load(source / "conv3d" / f"{video_id}.npy")
        assert np.array_equal(video.motion_of_frames().numpy(), np.tile(motion.astype(np.float16), (40, 1)))
