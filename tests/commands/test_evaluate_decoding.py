"""``stgraph evaluate`` with other ways of choosing words."""

import json

import pytest

from stgraph.captioner import load_captioner
from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.decoding import Decoding


def captions_of(folder, *settings):
    assert main(["evaluate", str(folder), "split=val", *settings]) == 0
    return json.loads((folder / "evaluation-val-scene.json").read_text())


def test_words_are_chosen_as_the_settings_say_and_the_file_says_so(folder):
    beam = captions_of(folder, "decoding.method=beam", "decoding.beam_size=3")
    assert (beam["decoding"]["method"], beam["decoding"]["beam_size"]) == ("beam", 3)
    sampled = captions_of(folder, "decoding.method=sample", "decoding.seed=1", "batch_size=3")
    captioner, data = load_captioner(folder), open_dataset("interactions", size="tiny")
    ids = list(beam["captions"])
    plain = {caption.video_id: caption.text for caption in captioner.caption_store(data.store, ids)}
    assert sampled["captions"] != plain
    for result, how in ((beam, Decoding("beam", beam_size=3)), (sampled, Decoding("sample", seed=1))):
        found = captioner.caption_store(data.store, ids, decoding=how)
        assert {caption.video_id: caption.text for caption in found} == result["captions"]
    several = list(
        captioner.caption_store(data.store, ids[:2], decoding=Decoding("beam", captions_per_video=3))
    )
    assert [caption.video_id for caption in several] == [ids[0]] * 3 + [ids[1]] * 3
    sums = [sum(caption.log_probs) for caption in several]
    assert sums[:3] == sorted(sums[:3], reverse=True)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("decoding.method=beams", "'method' must be one of"),
        ("decoding.temperature=2", "'temperature' must stay 1.0 with method 'greedy', got 2"),
        ("decoding.beamsize=3", "did you mean 'decoding.beam_size'?"),
    ],
)
def test_wrong_settings_are_named(folder, capsys, setting, message):
    assert main(["evaluate", str(folder), setting]) == 1
    assert message in capsys.readouterr().err


def test_several_captions_a_video_cannot_be_scored(folder, capsys):
    several = ["decoding.method=beam", "decoding.captions_per_video=2"]
    assert main(["evaluate", str(folder), "split=val", *several]) == 1
    assert "'captions_per_video' must be 1 where captions are scored, got 2" in capsys.readouterr().err
