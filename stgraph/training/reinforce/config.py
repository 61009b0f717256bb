"""REINFORCE as a configuration describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stgraph.errors import MissingDataError, OptionError
from stgraph.metrics import CaptionReward
from stgraph.models import CaptioningModel
from stgraph.text import CaptionTokenizer
from stgraph.training.losses import CaptionLoss
from stgraph.training.reinforce.learned_baseline import LearnedBaseline
from stgraph.training.reinforce.reinforce import Reinforce
from stgraph.training.reinforce.rewarded_loss import RewardedLoss

__all__ = ["check_rewards", "with_rewards"]

BASELINES = ("greedy", "learned")


def with_rewards(
    values: Mapping[str, Any],
    loss: CaptionLoss,
    model: CaptioningModel,
    references: Mapping[str, Sequence[str]],
    tokenizer: CaptionTokenizer,
) -> RewardedLoss:
    """Adds REINFORCE to a loss.

    Args:
        values: The group ``reinforce`` of a configuration.
        loss: Loss of the model's system.
        model: The model.
        references: Sentences of the training videos, against which captions are rewarded.
        tokenizer: Of the model.

    Raises:
        OptionError: If the baseline or a metric is unknown, or a value is out of its range.
        MissingDataError: If there are no references.
    """
    values = dict(values)
    kind, weights = values.pop("baseline"), values.pop("metrics")
    if kind not in BASELINES:
        raise OptionError(f"'reinforce.baseline' must be one of {BASELINES}, got {kind!r}.")
    if not references:
        raise MissingDataError(
            "Rewards need captions of training videos, and there are none; give some, or leave rewards out."
        )
    reward = CaptionReward(references, {m: w for m, w in weights.items() if w != 0}, words=tokenizer.words)
    baseline = None
    if kind == "learned":
        baseline = LearnedBaseline(model.lm_head(model.branches[0]).in_features)
    samples = values.pop("samples_per_video")
    reinforce = Reinforce(reward, tokenizer, baseline=baseline, samples_per_video=samples)
    return RewardedLoss(loss, reinforce, **values)


def check_rewards(values: Mapping[str, Any], loss: CaptionLoss, model: CaptioningModel) -> None:
    """Builds the loss with placeholder captions, so that a wrong setting fails before the data are opened."""
    with_rewards(values, loss, model, {"any": ["any words"]}, CaptionTokenizer.from_captions(["any words"]))
