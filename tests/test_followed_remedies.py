"""What messages advise is done, word for word, and works; ``test_remedies.py`` holds that everything advised exists."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch_geometric.transforms import ToUndirected

from stgraph import Detections, VideoGraphBuilder
from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.decoding import BeamSearch
from stgraph.errors import StgraphError
from stgraph.experiments.plan import seeds_of, with_experiment
from stgraph.extraction.sources import VideoSource, take_shard
from stgraph.features.store import FeatureStore
from stgraph.inspection import draw_attention
from stgraph.pipeline import CaptionPipeline
from stgraph.settings.compose import compose
from stgraph.settings.training import open_data, train
from stgraph.training.losses.registry import make_loss
from stgraph.training.trainer_arguments import check_validation_interval
from tests.features.store.samples import random_video, write
from tests.training.conftest import SMALL


def advised(pattern, text):
    """The part of a message that a user would type."""
    found = re.search(pattern, text)
    assert found, f"no {pattern} in: {text}"
    return found[1]


def refused(call, *arguments, **options):
    """The message of an error."""
    with pytest.raises(StgraphError) as caught:
        call(*arguments, **options)
    return str(caught.value)


# The command line


def test_several_seeds(capsys):
    assert main(["train", *SMALL, "seed=1,2"]) != 0
    setting = advised(r"'stgraph ablate (seeds=)\[?\.\.\.", capsys.readouterr().err)
    assert list(seeds_of(compose("ablate", [f"{setting}[1,2]"]).seeds)) == [1, 2]


def test_a_setting_of_hydra(tmp_path, capsys):
    assert main(["train", *SMALL, f"hydra.run.dir={tmp_path}"]) != 0
    remedy = advised(r"with (run=)FOLDER", capsys.readouterr().err)
    assert compose("train", [*SMALL, f"{remedy}{tmp_path}"]).run == str(tmp_path)


def test_the_demo_on_several_devices(capsys):
    assert main(["demo", "data=interactions_tiny", "trainer.devices=2"]) != 0
    remedy = advised(r"use 'stgraph train ([\w=]+)'", capsys.readouterr().err)
    assert compose("train", [remedy, "trainer.devices=2"]).trainer.devices == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there(tmp_path, capsys):
    call = ["train", *SMALL, f"run={tmp_path / 'run'}", "trainer.max_epochs=1", "trainer.max_steps=1"]
    assert main([*call, "trainer.accelerator=gpu"]) != 0
    remedy = advised(r"use (trainer\.accelerator=cpu)", capsys.readouterr().err)
    assert main([*call, remedy]) == 0


def test_a_missing_run_is_trained_where_the_message_says(tmp_path, capsys):
    run = tmp_path / "mine"
    assert main(["evaluate", str(run)]) != 0
    remedy = advised(r"'stgraph train (run=[^']+)'", capsys.readouterr().err)
    assert compose("train", [*SMALL, remedy]).run == str(run)


def test_scores_and_words_of_a_split_that_was_not_evaluated(trained, tmp_path, capsys):
    run = str(shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints", "log")))
    for command in (
        ["compare", run, run, "split=val", "branch_a=object", "branch_b=object"],
        ["words", run, "split=val"],
    ):
        assert main(command) != 0
        remedy = advised(r"'stgraph (evaluate [^']+)'", capsys.readouterr().err).split()
        assert main(remedy) == 0
        assert main(command) == 0
        (tmp_path / "run" / "evaluation-val-scene.json").unlink(missing_ok=True)
        (tmp_path / "run" / "evaluation-val-object.json").unlink(missing_ok=True)


def test_attention_without_json(trained, capsys):
    video = open_dataset("interactions", size="tiny").corpus.ids("test")[0]
    call = ["caption", video, "--model", str(trained), "--attention"]
    assert main(call) != 0
    call.append(advised(r"add (--json)", capsys.readouterr().err))
    assert main(call) == 0
    (caption,) = capsys.readouterr().out.splitlines()
    assert json.loads(caption)["attention"]["frames"]


def test_the_device_of_a_ray_cluster(tmp_path, capsys):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_bytes(b"x")
    call = ["extract", str(tmp_path / "videos"), str(tmp_path / "s.h5"), "engine=ray", "device=cuda"]
    assert main(call) != 0
    remedy = advised(r"set (ray\.gpus_per_actor)", capsys.readouterr().err)
    settings = compose("extract", ["engine=ray", f"{remedy}=1"])
    assert settings.ray.gpus_per_actor == 1


def test_a_part_of_a_collection():
    clips = [VideoSource(f"clip{number}", Path("clip.mp4")) for number in range(16)]
    remedy = advised(r"such as (\d/\d)", refused(take_shard, clips, "8"))
    assert take_shard(clips, remedy) == clips[:2]


# Data, graphs and models


def test_data_that_are_not_generated_in_a_table():
    remedy = advised(r"such as (experiment=\w+)", refused(with_experiment, ["data=folder"]))
    settings = with_experiment(["data=folder", remedy])
    files = ["data.dataset.store=s.h5", "data.dataset.captions=c.csv"]
    assert compose("train", [*settings, *files]).data.dataset.name == "folder"


def test_a_split_of_msrvtt_under_another_name(tmp_path):
    store = write(tmp_path / "s.h5", [random_video(0, name="video0")])
    content = {
        "videos": [{"video_id": "video0", "split": "train"}],
        "sentences": [{"video_id": "video0", "caption": "a dog"}],
    }
    (tmp_path / "c.json").write_text(json.dumps(content))
    (tmp_path / "s.json").write_text('{"val": ["video0"]}')
    settings = [
        "data=msrvtt",
        f"data.dataset.store={store}",
        f"data.dataset.captions.val={tmp_path / 'c.json'}",
    ]
    message = refused(lambda: open_data(compose("train", settings).data))
    remedy = advised(r"(data\.dataset\.splits=)FILE", message)
    with pytest.warns(UserWarning, match="not the published one"):
        corpus = open_data(compose("train", [*settings, f"{remedy}{tmp_path / 's.json'}"]).data).corpus
    assert corpus.ids("val") == ["video0"]


BOXES = {"boxes": [[0, 0, 5, 5], [1, 1, 6, 6]], "scores": [1, 1], "features": [[1.0], [1.0]], "size": (9, 9)}


def test_frame_numbers_of_the_file():
    message = refused(Detections, **BOXES, frame=[30, 60], num_frames=2)
    name = advised(r"Detections\.from_raw\((\w+)=", message)
    assert Detections.from_raw(**BOXES, **{name: [30, 60]}).frame.tolist() == [0, 1]


def test_more_objects_than_are_padded_to():
    message = refused(VideoGraphBuilder, max_objects=5, pad_objects=3)
    size = int(advised(r"at most pad_objects=(\d)", message))
    VideoGraphBuilder(max_objects=size, pad_objects=3)  # lower it
    VideoGraphBuilder(max_objects=5, pad_objects=5)  # or pad to more


def test_cosine_edges_without_features():
    boxes = Detections.from_raw(boxes=BOXES["boxes"], frame_numbers=[0, 1], size=(9, 9), track=[4, 4])
    with pytest.warns(UserWarning, match="no appearance features") as caught:
        VideoGraphBuilder()(boxes)
    message = str(caught[0].message)
    ways = (advised(r"temporal='(\w+)'", message), {"None": None}[advised(r"or temporal=(None)", message)])
    assert [VideoGraphBuilder(temporal=way)(boxes).num_edges > 0 for way in ways] == [True, True]
    for setting in re.findall(r"graph\.temporal=\w+", message):
        assert compose("train", [setting]).graph.temporal in (*ways, None)


def test_kinds_that_a_transform_added_up():
    detections = Detections(**BOXES, frame=[0, 1], num_frames=2)
    both = ToUndirected()(VideoGraphBuilder()(detections))
    again = ToUndirected()(both)  # adds up the two equal edges of each pair
    name, value = advised(r"ToUndirected\((\w+='\w+')\)", refused(again.to_networkx)).split("=")
    kept = ToUndirected(**{name: value.strip("'")})(both)
    assert kept.to_networkx().number_of_edges() == both.num_edges


def test_a_caption_without_attention(trained, tmp_path):
    captioner = CaptionPipeline.from_pretrained(trained)
    dataset = open_dataset("interactions", size="tiny")
    video = dataset.store[dataset.corpus.ids("test")[0]]
    frames = torch.zeros(captioner.config.num_frames, 128, 128, 3, dtype=torch.uint8).numpy()
    graph = captioner.builder(video.sample(captioner.config.num_frames).detections)
    message = refused(draw_attention, captioner(video), frames, graph, tmp_path / "a.png")
    name, value = advised(r"with (attention=True)", message).split("=")
    caption = captioner(video, decoding=BeamSearch(), **{name: value == "True"})
    draw_attention(caption, frames, graph, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_a_loss_of_another_system(trained):
    model = CaptionPipeline.from_pretrained(trained).model
    name = advised(r"use loss=(\w+)", refused(make_loss, {"name": "stat"}, model))
    make_loss({"name": name}, model)
    assert compose("train", [f"loss={name}"]).loss.name == name


def test_validation_between_the_batches_of_several_epochs():
    message = refused(check_validation_interval, {"val_check_interval": 50}, 20)
    most = int(advised(r"must be at most (\d+)", message))
    check_validation_interval({"val_check_interval": most}, 20)
    remedy = advised(r"also set (trainer\.[\w=.]+\w)", message)
    call = [*SMALL, remedy, "trainer.val_check_interval=50"]
    call[-1] = advised(r"take a plus: (.*)\.$", refused(compose, "train", call))
    check_validation_interval(OmegaConf.to_container(compose("train", call).trainer), 20)


def test_a_logger_among_the_arguments_of_the_trainer(tmp_path):
    call = [*SMALL, f"run={tmp_path / 'run'}", "+trainer.logger=false"]
    remedy = advised(r"choose (logger=)\.\.\.", refused(lambda: train(compose("train", call))))
    assert compose("train", [*SMALL, f"{remedy}tensorboard"]).logger is not None


def test_a_folder_that_holds_a_run(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    call = [*SMALL, "trainer.max_epochs=3", "trainer.max_steps=1"]
    message = refused(lambda: train(compose("train", [*call, f"run={run}"])))
    elsewhere = advised(r"another folder by (run=)\.\.\.", message)
    train(compose("train", [*call, f"{elsewhere}{tmp_path / 'other'}"]))
    resume = advised(r"continue it with (resume=true)", message)
    train(compose("train", [*SMALL, f"run={run}", "trainer.max_epochs=3", resume]))


def test_a_store_that_is_there_already(tmp_path):
    path = write(tmp_path / "s.h5", [random_video(0, name="a")])
    message = refused(write, path, [random_video(1, name="b")])
    name, value = advised(r"pass (append=True)", message).split("=")
    assert FeatureStore(write(path, [random_video(1, name="b")], **{name: value == "True"})).ids == ("a", "b")
