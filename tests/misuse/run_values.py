"""Valid arguments and instances of models, training, metrics, pictures, extraction and experiments."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.misuse import world
from tests.misuse.makers import fresh, rows

__all__ = ["INSTANCES", "VALUES"]

VIDEO_SCORES = {f"video{index}": 0.1 * index for index in range(4)}


def scores() -> Any:
    from stgraph.metrics import CaptionEvaluator

    captions = {f"video{index}": "a cat runs" for index in range(3)}
    references = {name: list(world.SENTENCES) for name in captions}
    return CaptionEvaluator(references, ("BLEU-1", "BLEU-4", "ROUGE-L"))(captions)


def predictions() -> Any:
    from stgraph.metrics import Predictions

    return Predictions(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1]), ("a", "b"))


def evaluation() -> Any:
    from stgraph.metrics import Evaluation

    return Evaluation("small", "test", "scene", {"video0": "a cat"}, scores())


def evaluator() -> Any:
    from stgraph.metrics import CaptionEvaluator

    return CaptionEvaluator({"video0": list(world.SENTENCES)}, ("BLEU-1", "ROUGE-L"))


def reward() -> Any:
    from stgraph.metrics import CaptionReward

    references = {f"video{index}": list(world.SENTENCES) for index in range(4)}
    return CaptionReward(references, {"BLEU-4": 1.0, "ROUGE-L": 1.0})


def counts() -> Any:
    from stgraph.metrics import WordCounts

    return WordCounts(Counter({("noun", "cat"): 2, ("verb", "jumps"): 1}), Counter({"noun": 1, "verb": 1}))


def tag(words: Any) -> list[str]:
    return ["noun" for _ in words]


def constant_reward(captions: Any, video_ids: Any) -> list[float]:
    return [float(len(text)) for text in captions]


def trainer_module() -> Any:
    from stgraph import CaptioningModule

    return CaptioningModule(world.captioner().model, world.tokenizer())


def classification_module() -> Any:
    from stgraph import ClassificationModule

    return ClassificationModule(world.classifier().model, ("drink", "eat"))


def reinforce() -> Any:
    from stgraph.training import Reinforce

    return Reinforce(constant_reward, world.tokenizer())


def language_loss() -> Any:
    from stgraph.training import LanguageLoss

    return LanguageLoss()


def dataset() -> dict[str, str]:
    return {"name": "store", "store": str(world.store_path()), "captions": str(world.corpus_file())}


@functools.cache
def saved_evaluation() -> Any:
    from stgraph.metrics import Evaluation

    captions = {f"video{index}": "a cat runs" for index in range(3)}
    saved = Evaluation("small", "test", "scene", captions, scores())
    saved.save(world.folder() / "evaluation.json", {})
    return world.folder() / "evaluation.json"


@functools.cache
def trained() -> Any:
    """The folder of a run that was trained."""
    from stgraph.training import TrainingSummary

    folder = world.folder() / "trained"
    folder.mkdir()
    TrainingSummary("val/CIDEr", 0.5, 2, 10).save(folder)
    return folder


def config(name: str = "run") -> Any:
    from stgraph.training import TrainingConfig

    return TrainingConfig(
        data={"dataset": dataset()},
        model={"name": "stgkd", **world.SMALL},
        run=fresh()() / name,
        trainer={"max_epochs": 1, "accelerator": "cpu"},
    )


def cell() -> Any:
    from stgraph.experiments import Cell

    return Cell(
        table="t",
        row="a",
        seed=0,
        settings_hash="1",
        data_hash="2",
        overrides=(),
        dataset="small",
        split="val",
        chosen_on="val",
        tested="scene",
        videos=3,
        scores={"scene": {"CIDEr": 0.5}},
        chosen={"scene": {"CIDEr": 0.5}},
        epoch=1,
        epochs=2,
        seconds={"training": 1.0},
        record={},
    )


def study() -> Any:
    from stgraph.experiments import Study

    rows_of = {"a": {"title": "A"}, "b": {"title": "B"}}
    return Study.parse("t", {"title": "T", "source": "house", "references": ["a"], "rows": rows_of})


def cells() -> dict[str, dict[int, Any]]:
    return {
        row: {seed: cell().model_copy(update={"row": row, "seed": seed}) for seed in range(3)}
        for row in ("a", "b")
    }


def caption() -> Any:
    from stgraph import Caption

    return Caption("ant", "a cat", (-0.1, -0.2, -0.3), {"frames": torch.full((3, 4), 0.25)})


VALUES: dict[str, Any] = {
    # training
    "batch_idx": 0,
    "dataloader_idx": 0,
    **{
        f"CaptioningModule.{name}.batch": world.batch
        for name in (
            "on_before_batch_transfer",
            "on_train_batch_start",
            "predict_step",
            "test_step",
            "training_step",
            "validation_step",
        )
    },
    "CaptioningModule.model": lambda: world.captioner().model,
    "CaptioningModule.forward.graphs": lambda: world.batch().graphs,
    "CaptioningModule.forward.tokens": lambda: world.batch().tokens,
    "CaptioningModule.forward.video": lambda: world.batch().video,
    **{
        f"ClassificationModule.{name}.batch": lambda: classification_batch()
        for name in ("on_train_batch_start", "predict_step", "test_step", "training_step", "validation_step")
    },
    "ClassificationModule.model": lambda: world.classifier().model,
    "ClassificationModule.forward.graphs": lambda: world.examples()[0][0],
    "DataConfig.dataset": lambda: dataset(),
    "TrainingConfig.data": lambda: {"dataset": dataset()},
    "TrainingConfig.model": lambda: {"name": "stgkd"},
    "TrainingSummary.load.folder": lambda: trained(),
    "TrainingSummary.save.folder": lambda: trained(),
    **{
        f"{name}.{argument}": value
        for name in ("load_weights", "load_teacher")
        for argument, value in (("model", lambda: world.captioner().model), ("data", world.data))
    },
    "TrainingConfig.run": fresh(),
    **{f"{name}.config": config for name in ("TrainingRun", "build_run", "train")},
    "TrainingRun.model": lambda: world.captioner().model,
    **{f"StepCounts.{name}": 2.0 for name in ("tokens", "frames", "pairs", "videos")},
    "StepCounts.of.totals": lambda: totals(),
    "StepCounts.of.world_size": 1,
    **{
        f"{loss}.forward.batch": world.batch
        for loss in ("DistillationLoss", "LanguageLoss", "RewardedLoss", "CaptionLoss")
    },
    **{
        f"{loss}.forward.model": (lambda: world.captioner().model)
        for loss in ("DistillationLoss", "LanguageLoss", "RewardedLoss", "CaptionLoss", "Reinforce")
    },
    **{f"{loss}.forward.batch": (lambda: small_batch()) for loss in ("STATLoss", "STaTSLoss")},
    "STATLoss.forward.model": lambda: world.model("stat"),
    "STaTSLoss.forward.model": lambda: world.model("stats"),
    "DistillationLoss.from_logits.logits": lambda: {"object": rows(2, 2, 20)(), "scene": rows(2, 2, 20)()},
    "DistillationLoss.from_logits.targets": lambda: torch.tensor([[4, 5], [6, 2]]),
    "LearnedBaseline.forward.features": rows(2, 3, 8),
    "LearnedBaseline.update.features": rows(2, 3, 8),
    "LearnedBaseline.memory": 0.95,
    "rewards": lambda: torch.tensor([0.5, 0.2]),
    "Reinforce.reward": lambda: constant_reward,
    "Reinforce.forward.graphs": lambda: world.batch().graphs,
    "Reinforce.forward.video_ids": lambda: world.batch().video_ids,
    "ReinforceStep.loss": lambda: torch.tensor(1.0),
    "ReinforceStep.values": lambda: {"reward": 0.5},
    "reinforce_loss.log_probs": lambda: -torch.ones(2, 3),
    "caption_log_probs.logits": rows(2, 3, 20),
    "caption_log_probs.tokens": lambda: torch.tensor([[1, 4, 5], [1, 6, 2]]),
    "TrainingSummary.monitor": "val/CIDEr",
    "TrainingSummary.best": 0.5,
    "TrainingSummary.epochs": 2,
    "TrainingSummary.steps": 10,
    "resume": False,
    "optimizer": lambda: torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.1),
    "cosine_with_warmup.total_steps": 10,
    "make_loss.values": lambda: {"name": "language"},
    "load_weights.start": world.captioner,
    "load_teacher.teacher": world.captioner,
    "train_captioner.data": world.fresh_data,
    "train_captioner.trainer": lambda: {"max_epochs": 0, "accelerator": "cpu"},
    "train_captioner.model": lambda: world.captioner().model,
    "train_classifier.data": world.labelled,
    "train_classifier.trainer": lambda: {"max_epochs": 0, "accelerator": "cpu"},
    "train_classifier.model": lambda: world.classifier().model,
    # metrics
    **dict.fromkeys(
        ("CaptionEvaluator.references", "CaptionReward.references"), lambda: {"video0": list(world.SENTENCES)}
    ),
    "CaptionEvaluator.metrics": ("BLEU-1", "ROUGE-L"),
    "CaptionEvaluator.__call__.captions": lambda: {"video0": "a cat"},
    "CaptionReward.weights": lambda: {"BLEU-4": 1.0},
    "CaptionReward.__call__.captions": lambda: ["a cat", "a dog"],
    "CaptionReward.scores.captions": lambda: ["a cat", "a dog"],
    "CaptionScores.corpus": lambda: {"CIDEr": 0.5},
    "CaptionScores.per_video": lambda: {"CIDEr": {"video0": 0.5}},
    "Evaluation.dataset": "small",
    "Evaluation.branch": "scene",
    "Evaluation.captions": lambda: {"video0": "a cat"},
    "Evaluation.save.record": dict,
    "Evaluation.load.path": lambda: saved_evaluation(),
    "Interval.low": 0.1,
    "Interval.high": 0.2,
    "PairedDifference.difference": 0.1,
    "PairedDifference.low": 0.1,
    "PairedDifference.high": 0.1,
    "PairedDifference.p_value": 0.1,
    "Predictions.probabilities": lambda: np.array([[0.9, 0.1], [0.2, 0.8]]),
    "Predictions.labels": lambda: np.array([0, 1]),
    "Predictions.classes": ("a", "b"),
    "Predictions.join.parts": lambda: [(np.array([[0.9, 0.1]]), np.array([0]), ["a"], [None])],
    "Predictions.join.classes": ("a", "b"),
    "WordCounts.counts": lambda: Counter({("noun", "cat"): 2}),
    "part": "noun",
    **dict.fromkeys(("average_precision.labels", "roc_auc.labels"), lambda: np.array([0, 1, 1])),
    **dict.fromkeys(("average_precision.scores", "roc_auc.scores"), lambda: np.array([0.2, 0.7, 0.9])),
    "macro_f1.labels": lambda: np.array([0, 1, 1]),
    "macro_f1.predicted": lambda: np.array([0, 1, 0]),
    "samples": 20,
    "count_words.captions": lambda: {"video0": "a cat"},
    "tagger": lambda: tag,
    **dict.fromkeys(("bootstrap_intervals.scores", "paired_bootstrap.a", "paired_bootstrap.b"), scores),
    # experiments
    "Block.title": "T",
    "Block.columns": ("a", "b"),
    "Block.rows": (("1", "2"),),
    **{
        f"Cell.{name}": (lambda name=name: getattr(cell(), name))
        for name in (
            *(
                "table",
                "row",
                "seed",
                "settings_hash",
                "data_hash",
                "overrides",
                "dataset",
                "split",
                "chosen_on",
                "tested",
            ),
            *("videos", "scores", "chosen", "epoch", "epochs", "seconds", "record"),
        )
    },
    **{f"MeanInterval.{name}": 0.5 for name in ("mean", "deviation", "low", "high")},
    "MeanInterval.runs": 3,
    **{
        f"Study.{name}": (lambda name=name: getattr(study(), name))
        for name in ("title", "source", "references", "rows")
    },
    "Study.chosen.rows": lambda: ["a"],
    "Study.check_rows.rows": lambda: ["a"],
    "Study.parse.content": lambda: {
        "title": "T",
        "source": "house",
        "references": ["a"],
        "rows": {"a": {"title": "A"}},
    },
    "Study.references_of.row": "b",
    "cells": cells,
    "StudyRow.title": "A",
    "Task.arguments": 1,
    "results": fresh(),
    "table": "t",
    "row": "a",
    "cell": cell,
    "values": lambda: [0.1, 0.2, 0.3],
    "paired_interval.a": lambda: {0: 0.1, 1: 0.2, 2: 0.4},
    "paired_interval.b": lambda: {0: 0.1, 1: 0.3, 2: 0.4},
    "draw_study.path": lambda: world.folder() / "study.png",
    "latex_table.block": lambda: block(),
    "run_tasks.function": lambda: abs,
    "run_tasks.tasks": list,
    "jobs": 1,
    "threads": 1,
}


def block() -> Any:
    from stgraph.experiments import Block

    return Block("T", ("a", "b"), (("1", "2"),))


def totals() -> Any:
    from stgraph.datasets.loading.process_shards import StepTotals

    return StepTotals(batches=2, pairs=8, tokens=40, frames=20, videos=2, batch_pairs=4)


def small_batch() -> Any:
    from stgraph import CaptionBatch

    tokens = torch.tensor([[1, 4, 5, 2], [1, 6, 2, 0]])
    return CaptionBatch(world.graphs(), ["ant", "bee"], tokens, torch.tensor([0, 1]))


def classification_batch() -> Any:
    return next(iter(world.labelled().train_dataloader()))


INSTANCES: dict[str, Callable[[], Any]] = {
    "CaptioningModule": trainer_module,
    "ClassificationModule": classification_module,
    "CaptionEvaluator": evaluator,
    "CaptionReward": reward,
    "CaptionLoss": language_loss,
    "CaptionScores": scores,
    "Evaluation": evaluation,
    "Predictions": predictions,
    "WordCounts": counts,
    "Reinforce": reinforce,
    "TrainingConfig": config,
    "Cell": cell,
    "Study": study,
    "Caption": caption,
}
