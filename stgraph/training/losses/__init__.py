"""The loss of each system."""

from stgraph.training.losses.caption_loss import CaptionLoss, StepCounts
from stgraph.training.losses.distillation import DistillationLoss
from stgraph.training.losses.language import LanguageLoss
from stgraph.training.losses.registry import LOSSES, default_loss, make_loss
from stgraph.training.losses.stat_loss import STATLoss
from stgraph.training.losses.stats_loss import STaTSLoss

__all__ = [
    "LOSSES",
    "CaptionLoss",
    "DistillationLoss",
    "LanguageLoss",
    "STATLoss",
    "STaTSLoss",
    "StepCounts",
    "default_loss",
    "make_loss",
]
