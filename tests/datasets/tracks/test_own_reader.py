"""The reader in docs/tracks.md works as printed there."""

import pathlib
import re

import torch

from stgraph.datasets.tracks import track_examples

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "tracks.md"


def test_the_reader_of_the_page(tmp_path):
    (source,) = re.findall(r"```python\n(import csv\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {"torch": torch}
    exec(source, names)
    path = tmp_path / "ava.csv"
    path.write_text(
        "film,902,0.1,0.2,0.5,0.9,12,0\n"
        "film,902,0.1,0.2,0.5,0.9,80,0\n"
        "film,903,0.2,0.2,0.6,0.9,12,0\n"
        "film,903,0.7,0.1,0.9,0.8,80,1\n"
    )
    data = names["AVA"](path)
    video = data["film"]
    assert video.detections.track.tolist() == [0, 0, 1]
    assert video.frame_numbers.tolist() == [902, 903]
    assert video.states["action 80"].tolist() == [1, 0, 1]
    torch.testing.assert_close(video.detections.boxes[0], torch.tensor([64.0, 72, 320, 324]))
    examples = track_examples(data, state="action 80", window=1)
    assert [target for _, target in examples] == [{0: "yes"}, {0: "no", 1: "yes"}]
