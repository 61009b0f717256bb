"""Valid arguments and instances of models and pipelines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from stgraph.models import CaptioningModel
from tests.misuse import world
from tests.misuse.makers import rows
from tests.models.released_stat import random_params

__all__ = ["INSTANCES", "VALUES"]

CLASSES = ("STGraphCaptioner", "STATCaptioner", "STaTSCaptioner", "CaptioningModel", "RecurrentCaptioner")
SYSTEMS = {
    "STGraphCaptioner": "object",
    "CaptioningModel": "object",
    "STATCaptioner": "stat",
    "RecurrentCaptioner": "stat",
    "STaTSCaptioner": "stats",
}


class Silent(CaptioningModel):
    """A model that `register_model` may register."""

    name = "silent"


def stored_graphs() -> list[Any]:
    """Graphs with the streams that `world.captioner` reads."""
    return world.data().source.batch(["video0", "video1"]).to_data_list()


def of_targets(target: Any) -> Any:
    """The data module of a run whose targets are tracks or pairs."""
    from stgraph import ClassificationDataModule

    return ClassificationDataModule([(world.examples()[0][0], target)])


def shares(name: str) -> dict[str, Any]:
    """The arguments of `attention_shares`: one caption, with its attention."""
    system = "scene" if SYSTEMS[name] == "object" else SYSTEMS[name]

    def found() -> Any:
        model, words = world.model(SYSTEMS[name]), world.tokenizer().special_tokens
        return model.generate(one_video(), words, system, attention=True)

    return {"branch": system, "found": found, "graph": one_video}


def train_evaluator() -> Any:
    from stgraph.metrics import CaptionEvaluator

    return CaptionEvaluator(world.corpus().references("train"), ("BLEU-1",))


def one_video() -> Any:
    return world.videos(["ant"])


def extracting() -> Any:
    """A captioner whose features come from an extractor that is installed."""
    from stgraph import CaptionPipeline
    from tests.misuse.extraction_values import planned

    made = world.captioner()
    config = made.config.model_copy(update={"extractors": dict(planned().records)})
    return CaptionPipeline(made.model, made.tokenizer, config)


def class_model(name: str) -> Callable[[], Any]:
    def make() -> Any:
        from stgraph import models

        torch.manual_seed(0)
        return getattr(models, name)(5, 2, hidden_channels=8).eval()

    return make


VALUES: dict[str, Any] = {
    # models
    **{f"{name}.branch": lambda: world.captioner().default_branch for name in ("CaptionPipeline",)},
    **{
        f"{name}.{method}.branch": SYSTEMS[name]
        for name in CLASSES
        for method in ("check_branch", "decoder_of", "lm_head", "streams", "encode", "frames", "freeze")
    },
    **{f"{name}.{method}.data": world.data for name in CLASSES for method in ("arguments_for", "for_data")},
    **{
        f"{name}.{method}.graph": world.graphs
        for name in CLASSES
        for method in ("encode", "forward", "frames", "generate", "scores_and_features", "teacher_forced")
    },
    "STATCaptioner.for_data.arguments": {"stream_channels": 8, "hidden_channels": 8, "word_channels": 8},
    **{f"{name}.attention_shares.{part}": value for name in CLASSES for part, value in shares(name).items()},
    "STaTSCaptioner.appearance_channels": 0,
    "STaTSCaptioner.motion_channels": 0,
    **{f"{name}.for_data.data": world.labelled for name in ("Classifier", "GraphClassifier")},
    "TrackClassifier.for_data.data": lambda: of_targets({0: "eat"}),
    "RelationClassifier.for_data.data": lambda: of_targets({(0, 1): "eat"}),
    **{
        f"{name}.pool": "mean"
        for name in ("STGraphCaptioner", "GraphClassifier", "RelationClassifier", "TrackClassifier")
    },
    **{f"{name}.frames": () for name in ("STaTSCaptioner",)},
    "num_classes": 2,
    "Classifier.forward.graph": lambda: world.examples()[0][0],
    "GraphClassifier.forward.graph": lambda: world.examples()[0][0],
    "TrackClassifier.forward.graph": lambda: world.examples()[0][0],
    "RelationClassifier.forward.graph": lambda: world.examples()[0][0],
    "TrackClassifier.forward.query": lambda: torch.tensor([0, -1, 1, 0, -1]),
    "RelationClassifier.forward.query": lambda: torch.tensor([[0, 2], [1, 3]]),
    **{
        f"{name}.targets.graph": (lambda: world.examples()[0][0])
        for name in ("GraphClassifier", "TrackClassifier", "RelationClassifier")
    },
    **{
        f"{name}.targets.nodes": rows(5, 8)
        for name in ("GraphClassifier", "TrackClassifier", "RelationClassifier")
    },
    "GraphClassifier.targets.query": None,
    "TrackClassifier.targets.query": lambda: torch.tensor([0, -1, 1, 0, -1]),
    "RelationClassifier.targets.query": lambda: torch.tensor([[0, 2], [1, 3]]),
    **{
        f"{name}.probabilities.logits": rows(2, 2)
        for name in ("Classifier", "GraphClassifier", "TrackClassifier", "RelationClassifier")
    },
    "Caption.text": "a cat",
    "Caption.log_probs": (-0.1, -0.2, -0.3),
    **{f"{name}.arguments": dict for name in ("ModelConfig", "ClassifierConfig")},
    "ModelConfig.model": "stgkd",
    "ModelConfig.of.model": lambda: world.captioner().model,
    "ClassifierConfig.of.model": lambda: world.classifier().model,
    "ClassifierConfig.of.values": lambda: {"classes": ("drink", "eat")},
    "register_model.model": lambda: Silent,
    **{f"AttentionShares.{name}": rows(2, 3) for name in ("frames", "nodes")},
    "AttentionShares.cells": rows(2, 3, 4),
    "ClassifierConfig.model": "graph_classifier",
    "classes": ("drink", "eat"),
    "DataSummary.videos": lambda: {"train": 3},
    "DataSummary.name": "small",
    "ExtractorConfig.weights": "abc",
    **{
        f"{name}.folder": world.model_folder for name in ("load_model", "load_tokenizer", "read_model_config")
    },
    "CaptionPipeline.from_pretrained.path": world.model_folder,
    "ClassificationPipeline.from_pretrained.folder": world.classifier_folder,
    "STATCaptioner.from_released.params": lambda: random_params(0),
    "find_model.name": "stgkd",
    "nearest_captions.train": lambda: {"video0": rows(4)(), "video1": torch.ones(4)},
    "nearest_captions.captions": lambda: {"video0": ["a cat"], "video1": ["a dog"]},
    "nearest_captions.queries": lambda: {"video2": torch.ones(4)},
    "most_frequent_caption.captions": lambda: {"video0": ["a cat"], "video1": ["a dog"]},
    "save_model.config": lambda: world.captioner().config,
    "save_model.model": lambda: world.captioner().model,
    # pipelines
    **dict.fromkeys(("CaptionPipeline.__call__.videos", "CaptionPipeline.caption.videos"), stored_graphs),
    "CaptionPipeline.batch_of.graphs": stored_graphs,
    "CaptionPipeline.caption_all.videos": lambda: [world.video()],
    "CaptionPipeline.caption_store.video_ids": lambda: ["video0", "video1"],
    "CaptionPipeline.check_extractors.extractors": lambda: dict(world.store().extractors),
    "CaptionPipeline.evaluate.data": world.data,
    "CaptionPipeline.evaluate.split": "train",
    "CaptionPipeline.evaluate.evaluator": train_evaluator,
    "CaptionPipeline.extract_features.paths": lambda: [world.clip()],
    "CaptionPipeline.config": lambda: world.captioner().config,
    "CaptionPipeline.model": lambda: world.captioner().model,
    "CaptionPipeline.tokenizer": world.tokenizer,
    "ClassificationPipeline.config": lambda: world.classifier().config,
    "ClassificationPipeline.model": lambda: world.classifier().model,
    "ClassificationPipeline.evaluate.data": world.labelled,
    "ClassificationPipeline.__call__.graph": lambda: world.examples()[0][0],
}

INSTANCES: dict[str, Callable[[], Any]] = {
    **{name: (lambda name=name: world.model(SYSTEMS[name])) for name in CLASSES},
    "CaptionPipeline": world.captioner,
    "ClassificationPipeline": world.classifier,
    "VideoModel": world.model,
    "Classifier": class_model("GraphClassifier"),
    **{name: class_model(name) for name in ("GraphClassifier", "TrackClassifier", "RelationClassifier")},
    "ModelConfig": lambda: world.captioner().config,
    "ClassifierConfig": lambda: world.classifier().config,
    **dict.fromkeys(("CaptionPipeline.extractors", "CaptionPipeline.extract_features"), extracting),
}
