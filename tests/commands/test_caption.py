"""``stgraph caption`` on video files: extractors are restored by name, and only allowed classes are imported."""

import json
import re
import shutil

import pytest

import stgraph
from stgraph.cli import main
from stgraph.decoding import BeamSearch
from stgraph.errors import DataError, ModelFolderError, OptionError
from stgraph.features.store import FeatureStore
from tests.extraction.files import flat_video, folder_of_videos

SMALL = "tests.extraction.small."
ALLOW = ["--allow", f"{SMALL}MeanColour", "--allow", f"{SMALL}Change", "--allow", f"{SMALL}Halves"]
TRAINING = [
    "data=store",
    "model.hidden_channels=16",
    "model.num_heads=2",
    "model.feedforward_channels=16",
    "trainer.max_epochs=2",
    "trainer.enable_progress_bar=false",
    "data.loader.batch_size=4",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with ``videos``, ``store`` and ``run``: a model with both branches, trained on the store."""
    folder = tmp_path_factory.mktemp("caption")
    videos = folder_of_videos(folder / "videos")
    choices = [
        "appearance=own",
        f"appearance.name={SMALL}MeanColour",
        "motion=own",
        f"motion.name={SMALL}Change",
    ]
    choices += ["objects=own_detector", f"objects.name={SMALL}Halves", "objects.features=null"]
    assert main(["extract", str(videos), str(folder / "store"), *choices, "dtype=float32"]) == 0
    captions = {
        f"video{k}": {"split": "train", "captions": [f"a grey wall number {k}", "a wall"]} for k in range(5)
    }
    (folder / "captions.json").write_text(json.dumps(captions))
    data = [f"data.dataset.store={folder / 'store'}", f"data.dataset.captions={folder / 'captions.json'}"]
    assert main(["train", *TRAINING, *data, f"run={folder / 'run'}"]) == 0
    return folder


def caption(made, *arguments, run="run"):
    return main(["caption", "--model", str(made / run), *map(str, arguments)])


@pytest.mark.parametrize("branch", ["scene", "object"])
def test_a_file_is_described_as_its_stored_features_are(made, capsys, branch):
    files = [str(made / "videos" / f"video{k}.mp4") for k in (3, 0)]
    assert caption(made, *files, *ALLOW, f"branch={branch}", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert caption(made, "video3", "video0", f"branch={branch}", "--json") == 0
    stored = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["video"] for one in found] == files
    for one, other in zip(found, stored, strict=True):
        assert one["words"] == other["words"] == one["caption"].split()
        assert one["log_probs"] == pytest.approx(other["log_probs"], abs=1e-5)


@pytest.mark.parametrize("stored", [True, False], ids=["ids", "files"])
def test_words_are_chosen_as_the_settings_say(made, capsys, stored):
    paths = [str(made / "videos" / f"video{k}.mp4") for k in (3, 0)]
    names = ["video3", "video0"] if stored else paths
    beam = ["decoding.method=beam", "decoding.beam_size=3", "decoding.captions_per_video=2"]
    assert caption(made, *names, *ALLOW, *beam, "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    captioner = stgraph.CaptionPipeline.from_pretrained(made / "run", allow=[ALLOW[1], ALLOW[3]])
    store, several = FeatureStore(made / "store"), BeamSearch(3, captions_per_video=2)
    expected = list(captioner.caption_store(store, ["video3", "video0"], decoding=several))
    assert [one["video"] for one in found] == [names[0]] * 2 + [names[1]] * 2
    assert [one["caption"] for one in found] == [one.text for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["log_probs"] == pytest.approx(other.log_probs, abs=1e-5)
    one = captioner.caption(paths[0], decoding=BeamSearch(3))
    assert one.text == expected[0].text
    with pytest.raises(OptionError, match="'captions_per_video' must be 1 for a single video, got 2"):
        captioner.caption(paths[0], decoding=several)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("decoding.beam_size=3", "'beam_size' is an option of BeamSearch, not of Greedy, got 3"),
        ("decoding.method=beams", "'method' must be one of"),
        ("decoding.beamsize=3", "did you mean 'decoding.beam_size'?"),
        ("--attention", "'--attention' is only printed with '--json'"),
    ],
)
@pytest.mark.parametrize("video", ["video3", "videos/video3.mp4"])
def test_wrong_decodings_are_named_before_a_word(made, capsys, monkeypatch, video, setting, message):
    monkeypatch.chdir(made)
    assert caption(made, video, *ALLOW, setting) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("branch", ["scene", "object"])
def test_json_shows_what_each_word_looked_at_on_request(made, capsys, branch):
    videos = ["video3", "video0"]
    for way in ([], ["decoding.method=beam"]):
        assert caption(made, *videos, f"branch={branch}", *way, "--json", "--attention") == 0
        for line in capsys.readouterr().out.splitlines():
            found = json.loads(line)
            frames = found["attention"]["frames"]
            assert len(frames) == len(found["log_probs"])
            assert len(frames[0]) == len(FeatureStore(made / "store")[found["video"]].sample(10).frame_index)
            assert all(sum(row) == pytest.approx(1.0, abs=1e-3) for row in frames)
    assert caption(made, *videos, f"branch={branch}", "--json") == 0
    assert "attention" not in capsys.readouterr().out


def test_json_shows_frames_and_boxes(made, capsys):
    path = made / "videos" / "video3.mp4"
    assert caption(made, path, *ALLOW, "branch=object", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    kept = FeatureStore(made / "store")["video3"]
    assert [frame["number"] for frame in found["frames"]] == kept.frame_index.tolist()
    assert found["frames"][0]["boxes"] == [[0.0, 0.0, 24.0, 32.0]]
    assert found["frames"][0]["labels"] == ["left"]
    assert found["frames"][0]["scores"] == [0.75]
    assert found["size"] == {"height": 32, "width": 48}


def test_the_scene_branch_runs_no_detector_and_says_what_that_saves(made, capsys):
    path = made / "videos" / "video3.mp4"
    assert caption(made, path, *ALLOW[:4]) == 0  # works although the detector is not allowed
    said = capsys.readouterr()
    assert said.out.startswith(f"{path}\t")
    assert re.search(
        rf"needs no detector: {SMALL}Halves did not run, which saves [\d.]+ s at the [\d.]+ s", said.err
    )
    assert caption(made, path, *ALLOW[:4], "branch=object") == 1
    assert f"There is no extractor '{SMALL}Halves'" in capsys.readouterr().err


def test_what_a_model_folder_names_is_not_run(made, tmp_path, capsys):
    for name in ("torch.hub.load", "os.system", "tests.extraction.small.boxes"):
        run = shutil.copytree(made / "run", tmp_path / name)
        content = json.loads((run / "config.json").read_text())
        content["extractors"]["appearance"]["name"] = name
        (run / "config.json").write_text(json.dumps(content))
        assert main(["caption", str(made / "videos" / "video3.mp4"), "--model", str(run), *ALLOW]) == 1
        assert (
            f"The model's extractors cannot be made: There is no extractor '{name}' here"
            in capsys.readouterr().err
        )


def test_other_weights_and_other_extractors_are_refused(made, tmp_path, capsys):
    run = shutil.copytree(made / "run", tmp_path / "run")
    content = json.loads((run / "config.json").read_text())
    content["extractors"]["appearance"]["weights"] = "none 3.0"
    (run / "config.json").write_text(json.dumps(content))
    allow = [ALLOW[1], ALLOW[3]]
    with pytest.raises(DataError, match="trained on 'appearance' features of .* with other weights"):
        stgraph.CaptionPipeline.from_pretrained(run, allow=allow).caption(made / "videos" / "video3.mp4")
    assert main(["caption", "video3", "--model", str(run)]) == 1  # the store's extractors don't match either
    assert "This model was trained on 'appearance' features of" in capsys.readouterr().err


def test_settings_of_the_models_extractors_need_no_plus(made, capsys):
    path = made / "videos" / "video3.mp4"
    assert caption(made, path, *ALLOW[:4], "appearance.scale=1.0") == 0
    assert caption(made, path, *ALLOW[:4], "appearance.scale=2.0") == 1
    assert "with other weights (none 1.0, here none 2.0)" in capsys.readouterr().err
    assert caption(made, path, *ALLOW[:4], "appearance.scael=2.0") == 1
    assert "scael" in capsys.readouterr().err


def test_one_call_from_python(made):
    captioner = stgraph.CaptionPipeline.from_pretrained(made / "run", allow=[ALLOW[1], ALLOW[3]])
    path = made / "videos" / "video3.mp4"
    assert captioner.caption(path).text == captioner.caption(str(path)).text != ""
    with pytest.raises(DataError, match="text.mp4 cannot be captioned: .*text.mp4"):
        (made / "text.mp4").write_text("no video" * 99)
        captioner.caption(made / "text.mp4")
    with pytest.raises(ModelFolderError, match="There is no extractor"):
        stgraph.CaptionPipeline.from_pretrained(made / "run").caption(path)


def test_a_model_of_generated_videos_says_so(trained, made, capsys):
    assert main(["caption", str(made / "videos" / "video3.mp4"), "--model", str(trained)]) == 1
    assert "was trained on generated videos, whose features do not apply to others" in capsys.readouterr().err


def test_odd_names_and_bad_files(made, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = ["a b.mp4", "branch=3.mp4", "x=[1,2].mp4", "-dash.mp4"]
    for name in good:
        flat_video(tmp_path / name)
    (tmp_path / "empty.mp4").touch()
    assert caption(made, *good[:2], "empty.mp4", *ALLOW, "--", *good[2:]) == 1
    said = capsys.readouterr()
    assert [line.split("\t")[0] for line in said.out.splitlines()] == good
    assert "empty.mp4: is empty (0 bytes)" in said.err or "empty.mp4 is empty" in said.err
    assert caption(made, "no such.mp4") == 1
    assert "There is no video file no such.mp4" in capsys.readouterr().err
    assert caption(made, good[0], "video3") == 1
    assert "There is no video file video3; caption files and ids" in capsys.readouterr().err


def test_a_folder_of_files_as_a_page(made, tmp_path, capsys):
    videos = tmp_path / "videos"
    videos.mkdir()
    flat_video(videos / 'a <b> & "c".mp4')
    (videos / "notes.txt").write_text("no video")
    (videos / "empty.mp4").touch()
    page = tmp_path / "page.html"
    assert caption(made, videos, *ALLOW, "--html", page) == 1  # as one of them cannot be captioned
    printed = capsys.readouterr()
    text = page.read_text(encoding="utf-8")
    assert "a &lt;b&gt; &amp; &#34;c&#34;.mp4</h3>" in text
    assert f"<p>{printed.out.splitlines()[0].partition(chr(9))[2]}</p>" in text
    assert "could not be captioned" in text
    assert text.count("<article>") == 2
