"""The page of a real clip, with the captions of a model that was trained for seconds, in a browser."""

import csv
import json

from stgraph.cli import main
from stgraph.features import ExtractorRecord, FeatureStoreWriter
from stgraph.features.importers import read_detections_folder
from tests.inspection.page_checks import check_page

CLIP = "video24"
TINY = ["seed=0", "data.loader.batch_size=6", "trainer.max_epochs=8", "model.hidden_channels=32", "model.num_heads=2",
        "model.feedforward_channels=32", "optimizer.lr=0.003"]  # fmt: skip


def test_the_page_of_a_real_clip_works_in_a_browser(real_data, tmp_path, capsys):
    given = json.loads((real_data / "clips" / "captions.json").read_text(encoding="utf-8"))
    videos, names = read_detections_folder(real_data / "detections")
    videos = [video for video in videos if video.id >= CLIP][:6]
    records = {stream: ExtractorRecord("mobilenet", "imagenet", {}) for stream in ("appearance", "object")}
    with FeatureStoreWriter(tmp_path / "store.h5", extractors=records, label_names=names) as writer:
        for video in videos:
            writer.add(video)
    with (tmp_path / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "caption", "split"])
        for number, video in enumerate(videos):
            split = ("test", "val")[number] if number < 2 else "train"
            rows.writerows((video.id, text, split) for text in given[video.id]["captions"][:3])
    run, page = tmp_path / "run", tmp_path / "page.html"
    data = ["data=folder", f"data.dataset.store={tmp_path / 'store.h5'}"]
    data += [f"data.dataset.captions={tmp_path / 'captions.csv'}", "graph.score_threshold=0.2"]
    assert main(["train", *data, *TINY, f"run={run}"]) == 0
    clips = ["--videos", str(real_data / "clips")]
    assert main(["inspect", str(run), CLIP, *clips, "--method", "occlusion", "-o", str(page)]) == 0
    printed = capsys.readouterr()
    assert "empty" not in printed.err
    assert given[CLIP]["captions"][0] in page.read_text(encoding="utf-8")
    check_page(page, tmp_path, pictures=10)
