import json

import numpy as np
import pytest

from stgraph import Detections
from stgraph.datasets.interactions import parse_video_id, write_raw_layout
from stgraph.errors import OptionError


def test_files_are_as_people_have_them(tmp_path):
    folder = write_raw_layout(tmp_path / "data", videos=4, seed=2)
    captions = json.loads((folder / "clips" / "captions.json").read_text())
    assert sorted(captions) == sorted(path.stem for path in (folder / "detections").glob("*.json"))
    assert sorted(entry["split"] for entry in captions.values()) == ["test", "train", "train", "train"]
    for name, entry in captions.items():
        assert parse_video_id(name)[0] == 2
        assert len(entry["captions"]) >= 5
        content = json.loads((folder / "detections" / f"{name}.json").read_text())
        arrays = np.load(folder / "detections" / f"{name}.npz")
        frames = content["frames"]
        assert content["num_frames"] == 40  # of the file; frames carry the file's numbers
        assert [frame["frame"] for frame in frames] == [2, 6, 10, 14, 18, 22, 26, 30, 34, 38]
        assert max(len(frame["boxes"]) for frame in frames) <= 5
        boxes = [box for frame in frames for box in frame["boxes"]]
        assert arrays["object_features"].shape[0] == len(boxes) > 0
        assert arrays["frame_features"].shape[0] == len(frames)
        assert arrays["object_features"].dtype == np.float16
        labels = {label for frame in frames for label in frame["labels"]}
        assert labels <= {"red", "yellow", "green", "cyan", "blue", "purple"}
        # What the layout says makes valid detections, and features lie in the order of the boxes.
        found = Detections.from_raw(
            boxes=boxes,
            frame_numbers=[frame["frame"] for frame in frames for _ in frame["boxes"]],
            sampled=[frame["frame"] for frame in frames],
            size=(content["height"], content["width"]),
            features=arrays["object_features"].astype(np.float32),
        )
        np.testing.assert_allclose(found.features[:, -29:-24], found.geometry(), atol=1e-3)


def test_no_videos_is_refused(tmp_path):
    with pytest.raises(
        OptionError, match="'videos' must be a whole number of at least 1 and of at most 16777216, got 0"
    ):
        write_raw_layout(tmp_path, videos=0)
