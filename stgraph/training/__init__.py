"""Losses, schedules, Lightning's side of a captioner, and exact resume."""

from stgraph.training.captioning_module import CaptioningModule
from stgraph.training.evaluation import Evaluation, evaluate
from stgraph.training.fitting import check_run_folder, fit
from stgraph.training.learned_baseline import LearnedBaseline
from stgraph.training.losses import DistillationLoss
from stgraph.training.objective import CaptionLoss, StepMeans
from stgraph.training.reinforce import (
    Reinforce,
    ReinforceStep,
    caption_log_probs,
    classifier_of,
    reinforce_loss,
)
from stgraph.training.resume import ResumePoint
from stgraph.training.rewarded_loss import RewardedLoss
from stgraph.training.rewards import CaptionReward
from stgraph.training.run_record import run_record
from stgraph.training.schedules import cosine_with_warmup, teacher_ratio
from stgraph.training.stat_loss import STATLoss
from stgraph.training.stats_loss import STaTSLoss

__all__ = [
    "CaptionLoss",
    "CaptionReward",
    "CaptioningModule",
    "DistillationLoss",
    "Evaluation",
    "LearnedBaseline",
    "Reinforce",
    "ReinforceStep",
    "ResumePoint",
    "RewardedLoss",
    "STATLoss",
    "STaTSLoss",
    "StepMeans",
    "caption_log_probs",
    "check_run_folder",
    "classifier_of",
    "cosine_with_warmup",
    "evaluate",
    "fit",
    "reinforce_loss",
    "run_record",
    "teacher_ratio",
]
