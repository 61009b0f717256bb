"""Losses, schedules, Lightning's side of a captioner, and exact resume."""

from stgraph.training.captioning_module import CaptioningModule
from stgraph.training.evaluation import Evaluation, evaluate
from stgraph.training.fitting import check_run_folder, fit
from stgraph.training.losses import DistillationLoss
from stgraph.training.resume import ResumePoint
from stgraph.training.run_record import run_record
from stgraph.training.schedules import cosine_with_warmup

__all__ = [
    "CaptioningModule",
    "DistillationLoss",
    "Evaluation",
    "ResumePoint",
    "check_run_folder",
    "cosine_with_warmup",
    "evaluate",
    "fit",
    "run_record",
]
