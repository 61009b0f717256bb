"""Training: the Lightning module, losses, rewards, exact resume, and the whole recipe."""

from stgraph.training.classification_module import ClassificationModule
from stgraph.training.classification_recipe import train_classifier
from stgraph.training.config import DataConfig, LoaderConfig, TrainingConfig
from stgraph.training.losses import (
    CaptionLoss,
    DistillationLoss,
    LanguageLoss,
    STATLoss,
    STaTSLoss,
    StepCounts,
    default_loss,
)
from stgraph.training.module import CaptioningModule
from stgraph.training.recipe import train_captioner
from stgraph.training.reinforce import (
    LearnedBaseline,
    Reinforce,
    ReinforceStep,
    RewardedLoss,
    caption_log_probs,
    reinforce_loss,
)
from stgraph.training.resume import ResumePoint
from stgraph.training.run import TrainingRun, build_run, train
from stgraph.training.run_folder import check_run_folder, lock_run
from stgraph.training.run_record import run_record
from stgraph.training.schedules import cosine_with_warmup, teacher_forcing_ratio
from stgraph.training.summary import TrainingSummary
from stgraph.training.warm_start import load_teacher, load_weights

__all__ = [
    "CaptionLoss",
    "CaptioningModule",
    "ClassificationModule",
    "DataConfig",
    "DistillationLoss",
    "LanguageLoss",
    "LearnedBaseline",
    "LoaderConfig",
    "Reinforce",
    "ReinforceStep",
    "ResumePoint",
    "RewardedLoss",
    "STATLoss",
    "STaTSLoss",
    "StepCounts",
    "TrainingConfig",
    "TrainingRun",
    "TrainingSummary",
    "build_run",
    "caption_log_probs",
    "check_run_folder",
    "cosine_with_warmup",
    "default_loss",
    "load_teacher",
    "load_weights",
    "lock_run",
    "reinforce_loss",
    "run_record",
    "teacher_forcing_ratio",
    "train",
    "train_captioner",
    "train_classifier",
]
