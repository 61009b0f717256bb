"""The caption tasks of ``python -m benchmarks.real_graphs`` on small folders in the layouts of CAD-120 and MSR-VTT."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.real_graphs.captions import command
from benchmarks.real_graphs.captions.baselines import Consensus, nearest
from benchmarks.real_graphs.captions.cells import model_of
from benchmarks.real_graphs.captions.data import Clips, Frames, folds_of
from benchmarks.real_graphs.captions.report import by_seed, over_groups, over_videos
from benchmarks.real_graphs.captions.rows import BOXES, NUM_WEIGHTS, SYSTEMS, Recipe
from stgraph import CaptionDataModule, VideoGraphBuilder
from stgraph.errors import DataError, MissingDataError
from stgraph.metrics import CaptionScores
from tests.datasets.tracks.layouts import write_cad120

SENTENCES = {0: ["a man sings", "a man is singing"], 1: ["a dog runs", "the dog is running"]}


def write_msrvtt(folder, numbers):
    """Videos whose features and sentences depend on whether their number is even."""
    (folder / "vgg16_ae128").mkdir(parents=True)
    draws = np.random.default_rng(0)
    for number in numbers:
        features = draws.normal(size=(7, 8)) + 5 * (np.arange(8) % 2 == number % 2)
        np.save(folder / "vgg16_ae128" / f"video{number}.npy", features.astype(np.float16))
    content = {f"video{n}": {"category": 3 + n % 2, "captions": SENTENCES[n % 2]} for n in numbers}
    (folder / "captions.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def frames(tmp_path):
    return Frames(write_msrvtt(tmp_path / "msrvtt", [0, 1, 2, 599, 600, 699, 700, 701, 799]))


def test_the_held_out_videos_are_in_no_training_and_no_validation(frames):
    (fold,) = folds_of(frames, None)
    assert fold.test[1] == ["video700", "video701", "video799"]
    assert fold.train[1] == ["video0", "video1", "video2", "video599", "video600", "video699"]
    (fold,) = folds_of(frames, None, validation=True)
    assert (fold.train[1], fold.test[1]) == (
        ["video0", "video1", "video2", "video599"],
        ["video600", "video699"],
    )


def test_a_video_brings_its_category_along_and_one_without_is_unknown(frames, tmp_path):
    found = frames.examples(VideoGraphBuilder(None, None), ["video0"], 4)
    found += frames.examples(VideoGraphBuilder(None, None), ["video799"], 4)
    assert [int(graph.category) for graph, _ in found] == [3, 4]
    plain = write_msrvtt(tmp_path / "plain", [0, 1])
    entries = {f"video{n}": {"captions": SENTENCES[n]} for n in (0, 1)}
    (plain / "captions.json").write_text(json.dumps(entries), encoding="utf-8")
    with pytest.warns(UserWarning, match="2 of 2 videos in .* have no category, which STaTS reads"):
        unknown = Frames(plain).examples(VideoGraphBuilder(None, None), ["video0", "video1"], 4)
    assert [int(graph.category) for graph, _ in unknown] == [-1, -1]
    for wrong in ("music", 20):
        entries["video1"]["category"] = wrong
        (plain / "captions.json").write_text(json.dumps(entries), encoding="utf-8")
        with pytest.raises(DataError, match=f"'category' of video1 must be a number below 20, got '{wrong}'"):
            Frames(plain)


def test_a_given_test_is_used_whole_and_all_of_the_training_is_trained_on(frames, tmp_path):
    other = Frames(write_msrvtt(tmp_path / "other", [5, 705]))
    (fold,) = folds_of(frames, other)
    assert fold.train == (frames, list(frames.ids))
    assert fold.test == (other, ("video5", "video705"))


def test_a_person_is_held_out_and_settings_are_chosen_on_another(tmp_path):
    clips = Clips(write_cad120(tmp_path, ("Ann", "Ben", "Cem")))
    people = {"v0": "Ann", "v1": "Ben", "v2": "Cem"}
    found = {fold.name: fold for fold in folds_of(clips, None, validation=True)}
    assert [people[name] for name in found["Cem"].test[1]] == ["Ben"]
    assert [people[name] for name in found["Cem"].train[1]] == ["Ann"]


def test_captions_are_found_around_the_features_or_taken_from_the_training(frames, tmp_path):
    lonely = tmp_path / "lonely"
    write_msrvtt(lonely, [0, 3]).joinpath("captions.json").rename(tmp_path / "elsewhere.json")
    with pytest.raises(MissingDataError, match="There are no captions in"):
        Frames(lonely)
    with pytest.raises(Exception, match="no captions of 'video3'"):
        Frames(lonely, frames)
    (lonely / "vgg16_ae128" / "video3.npy").unlink()
    assert Frames(lonely, frames).captions == {"video0": SENTENCES[0]}


def test_baselines_without_training(frames):
    captions = ["a dog runs fast", "a dog runs", "a dog runs home", "the sky"]
    assert Consensus(captions).of([0, 1, 2, 3]) == "a dog runs"
    assert Consensus(captions).of([3]) == "the sky"
    train, test = (
        frames.examples(VideoGraphBuilder(None, None), ids, 4)
        for ids in (["video0", "video1"], ["video700", "video701"])
    )
    assert nearest(frames, train, test) == {"video700": "a man sings", "video701": "a dog runs"}


def test_no_video_keeps_its_own_features_in_the_control():
    captions = {f"v{number}": f"{number}" for number in range(50)}
    found = command.of_another_video(captions, seed=3)
    assert sorted(found.values()) == sorted(captions.values())
    assert all(found[name] != caption for name, caption in captions.items())
    assert found != command.of_another_video(captions, seed=4)


def test_intervals_draw_whole_videos_and_people_are_the_groups():
    def row(**values):
        items = {"a/0-9": 1.0, "a/9-18": 1.0, "b/0-9": 0.0, "b/9-18": 0.0}
        return {
            0: {
                fold: CaptionScores({"CIDEr": value / 2}, {"CIDEr": {k: value * v for k, v in items.items()}})
                for fold, value in values.items()
            }
        }

    a, b = row(Ann=1.0, Ben=1.0), row(Ann=0.0, Ben=0.5)
    assert over_videos(row(Ann=1.0), row(Ann=0.0), "CIDEr") == (0.5, 0.0, 1.0)
    assert over_groups(a, b, "CIDEr").mean == pytest.approx((0.5 + 0.25) / 2)
    assert over_groups(a, b, "CIDEr").runs == 2
    assert by_seed(b, "CIDEr") == {0: 0.125}


def test_all_models_of_boxes_have_about_the_same_number_of_weights(tmp_path):
    clips = Clips(write_cad120(tmp_path))
    counts = {}
    for name in (
        "no_layers_mean",
        "paper_attention",
        "track_geometry_mean",
        "track_gru_mean",
        "box_transformer_mean",
    ):
        row = BOXES[name]
        data = CaptionDataModule(train=clips.examples(row.graphs.builder(), clips.ids, 6))
        counts[name] = sum(weight.numel() for weight in model_of(row, data, clips, 0).parameters())
    assert all(abs(count / NUM_WEIGHTS - 1) < 0.1 for count in counts.values()), counts


def test_the_command_learns_which_video_is_which_and_computes_no_cell_twice(tmp_path, monkeypatch, capsys):
    train = write_msrvtt(tmp_path / "train", range(40))
    test = write_msrvtt(tmp_path / "test", range(100, 108))
    recipe = Recipe(epochs=6, learning_rate=1e-2, batch_size=16, captions_per_epoch=2, min_count=1)
    arguments = {**SYSTEMS["stgkd"].arguments, "hidden_channels": 32, "dropout": 0.0, "input_dropout": 0.0}
    small = replace(SYSTEMS["stgkd"], recipe=recipe, arguments=arguments)
    task = replace(command.CAPTION_TASKS["msrvtt-caption"], rows={"stgkd": small})
    monkeypatch.setitem(command.CAPTION_TASKS, "msrvtt-caption", task)
    given = ["msrvtt-caption", "--train", str(train), "--test", str(test), "--seeds", "1"]
    given += ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    command.main([*given, "--rows", "stgkd", "constant"])
    first = capsys.readouterr().out
    cell = json.loads(next((tmp_path / "runs").glob("*/stgkd/0.json")).read_text())
    assert all(caption in SENTENCES[int(name[5:]) % 2] for name, caption in cell["captions"]["test"].items())
    record = json.loads((tmp_path / "out" / "msrvtt-caption.json").read_text())
    assert record["stgkd"]["CIDEr"]["0"]["test"] > record["constant"]["CIDEr"]["0"]["test"]
    assert "compared with the best row without training" in (tmp_path / "out/msrvtt-caption.md").read_text()
    ran = []
    run_cell = command.run_cell
    monkeypatch.setattr(
        command, "run_cell", lambda *arguments: ran.append(arguments[:2]) or run_cell(*arguments)
    )
    command.main([*given, "--rows", "stgkd", "constant"])
    assert capsys.readouterr().out == first
    assert not ran
    rows = {"stgkd": replace(small, recipe=replace(recipe, epochs=1))}
    monkeypatch.setitem(command.CAPTION_TASKS, "msrvtt-caption", replace(task, rows=rows))
    command.main([*given, "--rows", "stgkd", "constant"])
    assert ran == [(rows["stgkd"], 0)]  # a cell of other settings is computed again


def test_the_command_on_clips(tmp_path, capsys):
    write_cad120(tmp_path / "cad120")
    rows = ["shuffled_time", "consensus"]
    given = ["cad120-caption", "--train", str(tmp_path / "cad120"), "--seeds", "1", "--epochs", "1"]
    command.main([*given, "--runs", str(tmp_path / "runs"), "--rows", *rows])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[:2]] == rows
    assert all("Ann BLEU-4" in line and "Ben BLEU-4" in line for line in lines[:2])
    # None of these rows is one without edges, and the page does not say so.
    assert lines[-2].startswith('Rows are compared with the best of these rows, "')


def test_a_row_of_the_other_task_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.main(["cad120-caption", "--train", str(tmp_path), "--rows", "stat"])
    assert "cad120-caption has no row stat" in capsys.readouterr().err
