"""From a configuration to a loss with rewards beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stgraph.errors import MissingDataError, OptionError
from stgraph.metrics import CaptionReward
from stgraph.models.model_folder import AnyCaptioner
from stgraph.text import CaptionTokenizer
from stgraph.training import CaptionLoss, LearnedBaseline, Reinforce, RewardedLoss, lm_head_of

__all__ = ["check_rewards", "with_rewards"]

BASELINES = ("greedy", "learned")


def with_rewards(
    values: Mapping[str, Any],
    loss: CaptionLoss,
    model: AnyCaptioner,
    references: Mapping[str, Sequence[str]],
    tokenizer: CaptionTokenizer,
) -> RewardedLoss:
    """``loss`` with REINFORCE as ``configs/reinforce`` describes it, rewarded by the ``references`` of the training videos.

    Raises: OptionError: An unknown baseline or metric, or a value out of its range. MissingDataError: No references.
    """
    values = dict(values)
    kind, weights = values.pop("baseline"), values.pop("metrics")
    if kind not in BASELINES:
        raise OptionError(f"'reinforce.baseline' must be one of {BASELINES}, got {kind!r}.")
    if not references:
        raise MissingDataError("Rewards need captions of training videos, and there are none.")
    reward = CaptionReward(references, {m: w for m, w in weights.items() if w != 0}, words=tokenizer.words)
    baseline = None
    if kind == "learned":
        baseline = LearnedBaseline(lm_head_of(model, model.branches[0]).in_features)
    samples = values.pop("samples_per_video")
    reinforce = Reinforce(reward, tokenizer, baseline=baseline, samples_per_video=samples)
    return RewardedLoss(loss, reinforce, **values)


def check_rewards(values: Mapping[str, Any], loss: CaptionLoss, model: AnyCaptioner) -> None:
    """Builds it with stand-ins for the captions: a wrong setting fails before the data."""
    with_rewards(values, loss, model, {"any": ["any words"]}, CaptionTokenizer.from_captions(["any words"]))
