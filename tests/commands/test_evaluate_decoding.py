"""``stgraph evaluate`` with beam search and sampling."""

import json

import pytest

from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.decoding import BeamSearch, Sampling
from stgraph.pipeline import CaptionPipeline


def captions_of(folder, name, *settings):
    assert main(["evaluate", str(folder), "split=val", *settings]) == 0
    return json.loads((folder / name).read_text())


def test_words_are_chosen_as_the_settings_say_and_the_file_says_so(folder):
    beam = captions_of(
        folder, "evaluation-val-scene-beam3.json", "decoding.method=beam", "decoding.beam_size=3"
    )
    assert (beam["decoding"]["method"], beam["decoding"]["beam_size"]) == ("beam", 3)
    drawn = ["decoding.method=sample", "decoding.seed=1", "batch_size=3"]
    sampled = captions_of(folder, "evaluation-val-scene-sample1.json", *drawn)
    captioner, data = CaptionPipeline.from_pretrained(folder), open_dataset("interactions", size="tiny")
    ids = list(beam["captions"])
    plain = {caption.video_id: caption.text for caption in captioner.caption_store(data.store, ids)}
    assert sampled["captions"] != plain
    for result, how in ((beam, BeamSearch(3)), (sampled, Sampling(seed=1))):
        found = captioner.caption_store(data.store, ids, decoding=how)
        assert {caption.video_id: caption.text for caption in found} == result["captions"]
    several = list(captioner.caption_store(data.store, ids[:2], decoding=BeamSearch(captions_per_video=3)))
    assert [caption.video_id for caption in several] == [ids[0]] * 3 + [ids[1]] * 3
    sums = [sum(caption.log_probs) for caption in several]
    assert sums[:3] == sorted(sums[:3], reverse=True)


def test_beams_stand_beside_greedy_captions_and_are_compared_with_them(folder, capsys, tmp_path):
    greedy = captions_of(folder, "evaluation-val-scene.json")
    before = (folder / "evaluation-val-scene.json").read_bytes()
    beam = captions_of(folder, "evaluation-val-scene-beam5.json", "decoding.method=beam")
    assert "scene branch, beam5" in capsys.readouterr().out
    assert (folder / "evaluation-val-scene.json").read_bytes() == before
    assert (greedy["decoding"]["method"], beam["decoding"]["method"]) == ("greedy", "beam")

    def compare(*settings):
        return main(["compare", str(folder), str(folder), "split=val", *settings])

    assert compare() == 1
    assert "by 2 decodings; add decoding_a=beam5 or decoding_a=greedy" in capsys.readouterr().err
    assert compare("decoding_a=beam5", "decoding_b=greedy", f"--output={tmp_path / 'c.json'}") == 0
    shown = capsys.readouterr().out
    assert f"A: {folder}, scene branch, beam5\nB: {folder}, scene branch, greedy\n" in shown
    assert "The two runs used different decodings." in shown
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["decoding"] == {"a": beam["decoding"], "b": greedy["decoding"]}
    for side, result in (("a", beam), ("b", greedy)):
        assert {metric: row[side] for metric, row in found["metrics"].items()} == result["scores"]
    assert compare("decoding_a=beam3", "decoding_b=greedy") == 1
    wanted = (
        f"was not evaluated on the val split with beam3 decoding; run 'stgraph evaluate {folder} split=val"
    )
    assert f"{wanted} decoding.method=...' first." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("decoding.method=beams", "'method' must be one of"),
        ("decoding.temperature=2", "'temperature' is an option of Sampling, not of Greedy, got 2"),
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
