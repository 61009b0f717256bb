"""REINFORCE: captions are drawn, rewarded, and made likelier the more they are worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from stgraph.decoding import Sampling
from stgraph.errors import OptionError
from stgraph.text import CaptionTokenizer
from stgraph.training.reinforce.learned_baseline import LearnedBaseline
from stgraph.typing import check_shape

__all__ = [
    "Reinforce",
    "ReinforceStep",
    "caption_log_probs",
    "lm_head_of",
    "reinforce_loss",
    "without_dropout",
]


def reinforce_loss(
    log_probs: Tensor,
    mask: Tensor,
    rewards: Tensor,
    baseline: Tensor | float = 0.0,
    num_captions: Tensor | float | None = None,
) -> Tensor:
    r"""A loss whose gradient is, on average over drawn captions, that of the negative expected reward.

    .. math:: -\frac{1}{N} \sum_{p} \sum_{l} (r_p - b_{p, l}) \log P(w_{p, l} | w_{p, <l})

    Args:
        log_probs: Of the drawn words, by the distribution that they were drawn from.
        mask: True at real words, the end mark among them.
        rewards: r, one a caption; no gradient goes through them.
        baseline: b, a number, one a caption or one a word; it may know the words before, not the word itself.
        num_captions: N where a batch is spread over devices or steps; else the number of captions that have a word.

    Shapes: log_probs and mask ``[P, L]``, rewards ``[P]``, baseline ``[]``, ``[P]`` or ``[P, L]`` -> scalar.
    Raises: ShapeError: Other axes.
    Reference: Williams, Machine Learning 8, 1992; for captions Ranzato et al., ICLR 2016, arXiv 1511.06732.

    >>> half = torch.tensor([[0.5, 0.5], [0.25, 1.0]]).log()
    >>> reinforce_loss(half, torch.tensor([[True, True], [True, False]]), torch.tensor([1.0, 0.0]), 0.5)
    tensor(-0.)
    """
    check_shape("log_probs", log_probs, "P L")
    sizes = {"P": log_probs.size(0), "L": log_probs.size(1)}
    check_shape("mask", mask, "P L", **sizes)
    check_shape("rewards", rewards, "P", **sizes)
    baseline = torch.as_tensor(baseline, dtype=rewards.dtype, device=rewards.device)
    if baseline.dim():
        check_shape("baseline", baseline, "P L" if baseline.dim() > 1 else "P", **sizes)
    expected = baseline if baseline.dim() == 2 else baseline.expand_as(rewards)[:, None]
    gain = (rewards[:, None] - expected).detach()
    count = mask.any(1).sum().clamp(min=1) if num_captions is None else num_captions
    return -(gain * log_probs.masked_fill(~mask, 0.0)).sum() / count


def caption_log_probs(logits: Tensor, tokens: Tensor, suppress_tokens: Sequence[int] = ()) -> Tensor:
    """Log-probabilities of words among those that may be drawn; what decoding reports is among all.

    Args:
        logits: Scores of the next word.
        tokens: The words that came, 0 where there is none.
        suppress_tokens: Ids of words that are never drawn.

    Shapes: logits ``[P, L, V]``, tokens ``[P, L]`` -> ``[P, L]``, 0 where there is no word.

    >>> caption_log_probs(torch.zeros(1, 2, 5), torch.tensor([[3, 0]]), suppress_tokens=(0, 1, 2)).exp()
    tensor([[0.5000, 1.0000]])
    """
    check_shape("tokens", tokens, "P L")
    check_shape("logits", logits, "P L V", P=tokens.size(0), L=tokens.size(1))
    scores = logits.float()
    if suppress_tokens:
        suppressed = torch.tensor(sorted({*suppress_tokens}), device=logits.device)
        scores = scores.index_fill(2, suppressed, -torch.inf)
    chosen = scores.log_softmax(-1).gather(2, tokens[..., None])[..., 0]
    return chosen.masked_fill(tokens == 0, 0.0)


@dataclass(frozen=True)
class ReinforceStep:
    """The loss of a step, and what to log.

    ``values``: "reward" and "baseline", means over the drawn captions that count; "unfinished", the share of them that was
    cut; "seconds" without the backward pass; "reward_seconds", those of them spent waiting for rewards.
    """

    loss: Tensor
    values: dict[str, float]


class Reinforce(nn.Module):
    """Draws captions of a batch of videos, has them rewarded, and says the loss; for all captioners.

    Captions are drawn, and the drawn words scored, in evaluation mode: the distribution that is differentiated is then the
    one that was drawn from and the one that is tested. (Under dropout each of the three passes would be of another model.)
    Where dropout is wanted, the language loss beside this one has it.

    While the model goes over the drawn words, the rewards are computed in another thread and, METEOR's, another process.

    Args:
        reward: What captions are worth, from (captions, ids of their videos): a :class:`CaptionReward`, or any other.
        tokenizer: Words of the model.
        baseline: None for the reward of the greedy caption (self-critical), or a :class:`LearnedBaseline`, which spares the
            greedy captions and their rewards.
        samples_per_video: Captions drawn of each video.

    Raises: OptionError: ``samples_per_video`` below 1.
    Reference: Rennie et al., CVPR 2017 (self-critical); Cherian et al., WACV 2020; evaluation mode: house design.
    """

    def __init__(
        self,
        reward: Callable[[Sequence[str], Sequence[str]], Sequence[float]],
        tokenizer: CaptionTokenizer,
        *,
        baseline: LearnedBaseline | None = None,
        samples_per_video: int = 1,
    ) -> None:
        super().__init__()
        if samples_per_video < 1:
            raise OptionError(f"'samples_per_video' must be at least 1, got {samples_per_video}.")
        self.reward, self.tokenizer, self.baseline = reward, tokenizer, baseline
        self.samples_per_video = samples_per_video

    def forward(
        self,
        model: Any,
        graphs: Any,
        video_ids: Sequence[str],
        *,
        branch: str | None = None,
        seed: int = 0,
        owned: Tensor | None = None,
        num_captions: Tensor | float | None = None,
    ) -> ReinforceStep:
        """One step.

        Args:
            model: STGraphCaptioner, STATCaptioner or STaTSCaptioner.
            graphs, video_ids: A batch of videos.
            branch: Who speaks; None is the branch that the system is tested by.
            seed: Of the draws, another one at each step.
            owned: Videos that count ``[B]``, of a batch spread over devices or steps; None counts all.
            num_captions: As in :func:`reinforce_loss`.

        Raises: OptionError: The model has no such branch, or ``seed`` is negative. UnknownVideoError: A video without
            references.
        """
        begun = time.perf_counter()
        branch = model.branches[0] if branch is None else branch
        model.check_branch(branch)
        many = self.samples_per_video
        ids = [video for video in video_ids for _ in range(many)]
        special_tokens = self.tokenizer.special_tokens
        sampling = Sampling(seed=seed, captions_per_video=many)
        with without_dropout(model), ThreadPoolExecutor(1) as pool:
            plain = None
            if self.baseline is None:
                greedy = model.generate(graphs, special_tokens, branch)
                plain = pool.submit(self.reward, self.tokenizer.decode(greedy.tokens), list(video_ids))
            tokens = model.generate(graphs, special_tokens, branch, decoding=sampling).tokens
            tokens = tokens[:, : max(1, int((tokens != 0).sum(1).max()))]
            drawn = pool.submit(self.reward, self.tokenizer.decode(tokens), ids)
            video = torch.arange(len(ids), device=tokens.device) // many
            given = torch.cat([torch.full_like(tokens[:, :1], special_tokens.bos), tokens[:, :-1]], dim=1)
            with _features(model, branch) as features:
                logits = model(graphs, given, video)[branch]
            log_probs = caption_log_probs(logits, tokens, special_tokens.suppress_tokens)
            waiting = time.perf_counter()
            rewards = torch.tensor(drawn.result(), dtype=torch.float32, device=tokens.device)
            greedy_rewards = [] if plain is None else plain.result()
        now = time.perf_counter()
        mask = tokens != 0
        if owned is not None:
            mask = mask & owned.to(mask.device)[video, None]
        if self.baseline is None:
            baseline = rewards.new_tensor(greedy_rewards)[video, None].expand_as(log_probs)
        else:
            baseline = self.baseline(features[0])
            self.baseline.update(features[0], mask, rewards)
        loss = reinforce_loss(log_probs, mask, rewards, baseline, num_captions)
        spoken = mask.any(1)
        count = max(1, int(spoken.sum())) if num_captions is None else float(num_captions)
        mean = lambda values: float(values[spoken].sum()) / count
        values = {
            "reward": mean(rewards),
            "baseline": mean((baseline * mask).sum(1) / mask.sum(1)),
            "unfinished": mean((tokens != special_tokens.eos).all(1).float()),
            "seconds": time.perf_counter() - begun,
            "reward_seconds": now - waiting,
        }
        return ReinforceStep(loss, values)


def lm_head_of(model: Any, branch: str) -> nn.Linear:
    """The layer that scores a branch's words; its inputs are what a learned baseline sees."""
    decoder = model.decoders[branch] if hasattr(model, "decoders") else model.decoder
    return decoder.lm_head


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while, then each part's own mode again."""
    modes = [(part, part.training) for part in model.modules()]
    for part, _ in modes:
        # cuDNN computes gradients of recurrent layers in training mode only; ours have no dropout in them.
        part.training = isinstance(part, nn.RNNBase)
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def _features(model: Any, branch: str) -> Iterator[list[Tensor]]:
    """What the branch's words are scored by ``[P, L, C]``, from the pass inside."""
    found: list[Tensor] = []
    hook = lm_head_of(model, branch).register_forward_pre_hook(
        lambda _, inputs: found.append(inputs[0].detach().float())
    )
    try:
        yield found
    finally:
        hook.remove()
