"""``stgraph demo``: generates videos, trains a captioner on them, and shows scores, captions and a graph."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.commands.console.progress import progress_line
from stgraph.commands.console.table import score_table
from stgraph.datasets import StoredDataset, StoredGraphs
from stgraph.datasets.interactions import noun_verb_accuracy, render_video
from stgraph.datasets.interactions.roles import is_right, marked_caption
from stgraph.errors import OptionError
from stgraph.files import write_text
from stgraph.graph import graphs_of
from stgraph.inspection.pictures import draw_graph
from stgraph.metrics import CaptionEvaluator
from stgraph.models import most_frequent_caption, nearest_captions
from stgraph.pipeline import CaptionPipeline
from stgraph.settings.compose import compose, saved_config
from stgraph.settings.training import open_data, train
from stgraph.training import check_run_folder, run_record

__all__ = ["run"]

SPLIT = "test"
TITLES = {
    "scene": "scene branch alone",
    "object": "object branch",
    "joint": "both branches, joint",
    "nearest": "nearest neighbour",
    "frequent": "most frequent caption",
}


def run(arguments: list[str]) -> int:
    """Runs ``stgraph demo``."""
    settings = parser_of("demo").parse_args(arguments).settings
    chosen = any(setting.startswith("experiment=") for setting in settings)
    config = compose("train", settings if chosen else ["experiment=recommended", *settings])
    if config.trainer.devices != 1 or config.trainer.num_nodes != 1:
        raise OptionError(
            f"The demo runs in one process, got trainer.devices={config.trainer.devices}; use 'stgraph train "
            "experiment=demo' for several devices."
        )
    folder = Path(os.path.abspath(config.run))
    # Other experiments are trained as 'stgraph train' trains them, in one go.
    teacher = None
    if not chosen and config.teacher is None and set(config.model.get("branches", ())) == {"scene", "object"}:
        teacher = folder / "teacher"
        config.teacher, config.copy_decoder = str(teacher), True
    config.resume = prepare_folder(folder, config)
    check_run_folder(folder, config.resume)
    seconds: dict[str, float] = {}
    start = time.monotonic()
    say("1/3  Videos: frames -> blob detector -> features -> store")
    dataset = open_data(config.data, progress_line("videos"))
    seconds["data"] = round(time.monotonic() - start, 1)
    trained = time.monotonic()
    if teacher is not None:
        say("2/3  Training: graphs -> object branch, which then teaches the scene branch")
        train_teacher(teacher, config)
        seconds["train_teacher"] = round(time.monotonic() - trained, 1)
    else:
        say(f"2/3  Training: graphs -> {' and '.join(config.model.get('branches', [config.model.name]))}")
    references = dataset.corpus.references(SPLIT)
    evaluator = CaptionEvaluator(references)
    evaluator.warm_up()
    train(config)
    seconds["train"] = round(time.monotonic() - trained, 1)
    say(f"3/3  Captions of the {SPLIT} split")
    scored = time.monotonic()
    captioner = CaptionPipeline.from_pretrained(folder)
    captions = all_captions(captioner, dataset)
    rows = score(captions, references, evaluator)
    seconds["evaluate"] = round(time.monotonic() - scored, 1)
    drawn = time.monotonic()
    picture = draw_example(captioner, dataset, captions, folder)
    seconds["picture"] = round(time.monotonic() - drawn, 1)
    seconds["total"] = round(time.monotonic() - start, 1)
    result = {
        "rows": rows,
        "seconds": seconds,
        "split": SPLIT,
        "dataset": dataset.name,
        **run_record(config.seed),
    }
    write_text(folder / "result.json", json.dumps(result, indent=1) + "\n")
    say()
    say(score_table({TITLES.get(name, name): row for name, row in rows.items()}, f"{SPLIT} split"))
    print_examples(captions, references)
    say(f"\nA graph over its frames: {picture}")
    say(f"Scores, versions and times ({seconds['total']:.0f} s): {folder / 'result.json'}")
    say(f"Next: stgraph caption {dataset.corpus.ids(SPLIT)[0]} --model {folder}")
    return 0


def train_teacher(folder: Path, config: DictConfig) -> None:
    """Trains the object branch alone with the settings of the demo, unless an unfinished demo has done so."""
    branch = config.copy()
    branch.run, branch.model.branches = str(folder), ["object"]
    branch.teacher, branch.copy_decoder = None, False
    if (config.trainer.max_epochs or 0) > 0:  # what is taught starts with half of the teacher's weights
        branch.trainer.max_epochs = 2 * config.trainer.max_epochs
    begun = (folder / "config.yaml").is_file() and has_same_settings(folder, branch)
    if begun and (folder / "model.safetensors").is_file():
        return
    branch.resume = begun and (folder / "checkpoints" / "last.ckpt").is_file()
    train(branch)


def prepare_folder(folder: Path, config: DictConfig) -> bool:
    """Deletes an earlier finished demo; returns whether the folder holds an unfinished one with the same settings."""
    if (folder / "result.json").is_file():  # written only when a demo finishes
        shutil.rmtree(folder)
    unfinished = (folder / "checkpoints" / "last.ckpt").is_file()
    return unfinished and has_same_settings(folder, config)


def has_same_settings(folder: Path, config: DictConfig) -> bool:
    """Whether a run was trained with these settings."""
    return {**saved_config(folder), "resume": False} == {**config, "resume": False}


def all_captions(captioner: CaptionPipeline, dataset: StoredDataset) -> dict[str, dict[str, str]]:
    """Captions the test split with every branch and both baselines; returns captions by row and video."""
    corpus, store = dataset.corpus, dataset.store
    test = corpus.ids(SPLIT)
    source = StoredGraphs(store, captioner.builder, captioner.config.num_frames)
    pooled = {
        split: {video: source.pooled_appearance(video) for video in corpus.ids(split)}
        for split in ("train", SPLIT)
    }
    training = corpus.references("train")
    frequent = most_frequent_caption(training)
    branches = {
        branch: {caption.video_id: caption.text for caption in captioner.caption_store(store, test, branch)}
        for branch in captioner.model.branches
    }
    return {
        **branches,
        "nearest": nearest_captions(pooled["train"], training, pooled[SPLIT]),
        "frequent": dict.fromkeys(test, frequent),
    }


def score(
    captions: Mapping[str, Mapping[str, str]],
    references: Mapping[str, Sequence[str]],
    evaluator: CaptionEvaluator,
) -> dict[str, dict[str, float]]:
    """Computes all metrics of every row, including noun and verb accuracy."""
    return {
        name: {**evaluator(found), **noun_verb_accuracy(found, references)}
        for name, found in captions.items()
    }


def draw_example(
    captioner: CaptionPipeline,
    dataset: StoredDataset,
    captions: Mapping[str, Mapping[str, str]],
    folder: Path,
) -> Path:
    """Draws the graph of a test video over its frames; the title says by which rule the video was chosen."""
    references = dataset.corpus.references(SPLIT)
    branches = captioner.model.branches
    video_id, rule = example_video(captions, references, branches)
    video = dataset.store[video_id].sample(captioner.config.num_frames)
    graph = graphs_of([video], captioner.builder, None)[0]
    frames = render_video(video_id)[video.frame_index.numpy()]
    path = folder / "graph.png"
    shown = [
        f"{TITLES.get(branch, branch)}: {marked_caption(captions[branch][video_id], references[video_id])}"
        for branch in branches
    ]
    title = "\n".join([f"{video_id}, {rule}", *shown])
    draw_graph(graph, frames, path, label_names=dataset.store.label_names, title=title)
    return path


def example_video(
    captions: Mapping[str, Mapping[str, str]],
    references: Mapping[str, Sequence[str]],
    branches: Sequence[str],
) -> tuple[str, str]:
    """The first video whose caption names actor, verb and patient correctly, by the first branch that has one."""
    for branch in branches:
        for video, sentences in references.items():
            if is_right(captions[branch][video], sentences):
                return video, f"the first {SPLIT} video that the {branch} branch describes rightly"
    return next(iter(references)), f"the first {SPLIT} video; no caption is wholly right"


def print_examples(
    captions: Mapping[str, Mapping[str, str]], references: Mapping[str, Sequence[str]]
) -> None:
    """Prints captions and references of five evenly spaced test videos, with right and wrong words marked."""
    branches = [name for name in captions if name not in ("nearest", "frequent")]
    say(f"\nFive of {len(references)} videos, evenly spaced; nouns and verbs are marked +right+ or -wrong-")
    names = list(references)
    for video in names[:: max(1, len(names) // 5)][:5]:
        say(f"\n{video}")
        for branch in branches:
            say(f"  {branch + ' branch:':<15}{marked_caption(captions[branch][video], references[video])}")
        say(f"  {'references:':<15}" + "; ".join(references[video][:3]))
    for branch in branches:
        right = sum(is_right(captions[branch][video], references[video]) for video in names)
        say(f"\n{branch} branch: actor, verb and patient all right in {right} of {len(names)} videos", end="")
    say()
