"""Losses, schedules, Lightning's side of a captioner, and exact resume."""

from stgraph.training.captioning_module import CaptioningModule
from stgraph.training.losses.caption_loss import CaptionLoss, StepCounts
from stgraph.training.losses.distillation import DistillationLoss
from stgraph.training.losses.stat_loss import STATLoss
from stgraph.training.losses.stats_loss import STaTSLoss
from stgraph.training.recipe import check_run_folder, fit
from stgraph.training.reinforce.learned_baseline import LearnedBaseline
from stgraph.training.reinforce.reinforce import (
    Reinforce,
    ReinforceStep,
    caption_log_probs,
    lm_head_of,
    reinforce_loss,
)
from stgraph.training.reinforce.rewarded_loss import RewardedLoss
from stgraph.training.resume import ResumePoint
from stgraph.training.run_record import run_record
from stgraph.training.schedules import cosine_with_warmup, teacher_forcing_ratio

__all__ = [
    "CaptionLoss",
    "CaptioningModule",
    "DistillationLoss",
    "LearnedBaseline",
    "Reinforce",
    "ReinforceStep",
    "ResumePoint",
    "RewardedLoss",
    "STATLoss",
    "STaTSLoss",
    "StepCounts",
    "caption_log_probs",
    "check_run_folder",
    "cosine_with_warmup",
    "fit",
    "lm_head_of",
    "reinforce_loss",
    "run_record",
    "teacher_forcing_ratio",
]
