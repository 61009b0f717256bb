"""Training on rewards of sampled captions."""

from stgraph.training.reinforce.learned_baseline import LearnedBaseline
from stgraph.training.reinforce.reinforce import (
    Reinforce,
    ReinforceStep,
    caption_log_probs,
    reinforce_loss,
)
from stgraph.training.reinforce.rewarded_loss import RewardedLoss

__all__ = [
    "LearnedBaseline",
    "Reinforce",
    "ReinforceStep",
    "RewardedLoss",
    "caption_log_probs",
    "reinforce_loss",
]
