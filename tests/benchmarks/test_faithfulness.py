"""The parts of ``benchmarks.faithfulness`` that decide what is removed and what is reported."""

import pytest
import torch

from benchmarks.faithfulness.page import draw, page, summary
from benchmarks.faithfulness.removal import Phrase, measure_video, object_of_boxes, phrases_of
from stgraph.datasets import open_dataset
from stgraph.datasets.interactions import KINDS, make_scene, parse_video_id
from stgraph.inspection import GROUNDING_METHODS, ground_caption
from stgraph.pipeline import CaptionPipeline


def test_phrases_name_objects_of_the_scene():
    nouns = ["blue box", "red ball", "red box"]
    assert phrases_of("the red ball is being chased by the blue box", nouns) == [
        Phrase("noun", (1, 2), frozenset({1})),
        Phrase("noun", (8, 9), frozenset({0})),
        Phrase("verb", (5,), frozenset({0, 1})),
    ]
    # "cyan star" is not there, so neither it nor what is done to it counts.
    assert phrases_of("a red box runs after a cyan star", nouns) == [Phrase("noun", (1, 2), frozenset({2}))]


def test_boxes_belong_to_the_object_that_they_overlap():
    scene = make_scene(0, 3)
    frame = torch.tensor([0, 20, 39])
    centre, radius = torch.as_tensor(scene.centre)[1, frame], torch.as_tensor(scene.radius)[1, frame, None]
    boxes = torch.cat([centre - radius, centre + radius], 1)
    assert object_of_boxes(boxes, frame, "interactions-0-00003").tolist() == [1, 1, 1]
    assert (
        object_of_boxes(boxes * 0 + torch.tensor([0, 0, 1, 1]), frame, "interactions-0-00003").tolist()
        == [-1] * 3
    )
    boxes[0, 2] = boxes[0, 0] + 0.9 * radius[0, 0]  # 45 % of the object
    assert object_of_boxes(boxes, frame, "interactions-0-00003").tolist() == [-1, 1, 1]


def test_a_phrase_falls_by_what_its_objects_carry(trained):
    captioner, dataset = CaptionPipeline.from_pretrained(trained), open_dataset("interactions", size="tiny")
    measured = 0
    for video in dataset.corpus.ids("test"):
        scene, features = make_scene(*parse_video_id(video)), dataset.store.read(video)
        if len(scene.kinds) < 3:
            continue
        nouns = [KINDS[kind].noun for kind in scene.kinds]
        caption = f"the {nouns[0]} chases the {nouns[1]}"
        found = measure_video(captioner, features, 0, caption=caption, branch="object")
        graph = captioner.graph_of(features, "object")
        frame_index = features.sample(captioner.config.num_frames).frame_index
        owner = object_of_boxes(graph.box, frame_index[graph.frame], video)
        if len(set(owner.tolist()) - {-1}) < 3:
            continue
        whole = ground_caption(captioner, graph, caption, branch="object").log_probs
        without = ground_caption(
            captioner, graph.subgraph((owner < 0) | (owner > 1)), caption, branch="object"
        ).log_probs
        (verb,) = found["verb"]
        assert verb["named"] == pytest.approx(float(whole[3] - without[3]), abs=1e-5)
        assert set(verb) == {"named", "others", "any", "random", *GROUNDING_METHODS}
        assert [len(verb[name]["boxes"]) for name in GROUNDING_METHODS] == [3] * 4
        assert len(found["noun"]) == 2
        measured += 1
        break
    assert measured


def phrase(named, others, **methods):
    falls = {name: {"objects": 0.0, "hit": 0.0, "boxes": [0.0, 0.0, 0.0]} for name in GROUNDING_METHODS}
    for name, fall in methods.items():
        falls[name] = {"objects": fall, "hit": 1.0, "boxes": [fall, 2 * fall, 3 * fall]}
    return {"named": named, "others": others, "any": 1.0, "random": [0.0, 1.0, 2.0], **falls}


def test_videos_and_seeds_count_the_same(tmp_path):
    settings = {"videos": 2, "shares": [0.1, 0.2, 0.4], "draws": 5, "n_steps": 16}
    one = {"a": {"noun": [phrase(4.0, 1.0, occlusion=3.0), phrase(2.0, 1.0, occlusion=1.0)]}, "b": {}}
    two = {"a": {"noun": [phrase(6.0, 0.0, occlusion=3.0)], "verb": [phrase(1.0, 0.0)]}}
    found = summary(
        {"object": {0: {"settings": settings, "videos": one}, 1: {"settings": settings, "videos": two}}}
    )
    noun = found["systems"]["object"]["kinds"]["noun"]
    assert noun["phrases"] == 3
    assert noun["named"]["over seeds"]["mean"] == (3 + 6) / 2
    assert noun["named less others"]["over seeds"]["mean"] == (2 + 6) / 2
    assert noun["occlusion"]["less any"]["over seeds"]["mean"] == (1 + 2) / 2
    assert noun["occlusion"]["boxes less random"]["over seeds"]["mean"] == (3 + 5) / 2
    best = found["systems"]["object"]["best"]
    assert (best["method"], best["fall"]) == ("occlusion", (4 + 3) / 2)  # a video counts once: (6 + 0) / 2
    text = page(found)
    assert "| STG-KD, object branch | 2 | 3 | 4.50" in text
    draw(found, tmp_path / "figure.svg")
    assert "STG-KD, object branch, 2 seeds" in (tmp_path / "figure.svg").read_text()


def test_names_the_command_that_trains(tmp_path):
    from benchmarks.faithfulness.__main__ import measure
    from stgraph.errors import MissingDataError

    with pytest.raises(MissingDataError, match="stgraph ablate table=benchmarks/faithfulness/table.yaml"):
        measure(tmp_path, 0, 1)
