"""REINFORCE: sampled captions are rewarded, and made more likely the higher their reward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stgraph.checking import check_values, checked, described
from stgraph.decoding import Sampling
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel
from stgraph.text import CaptionTokenizer
from stgraph.training.reinforce.learned_baseline import LearnedBaseline
from stgraph.typing import FloatTensor, IndexTensor, MaskTensor, Positive, check_shape

if TYPE_CHECKING:
    from torch_geometric.data import Batch

__all__ = ["Reinforce", "ReinforceStep", "caption_log_probs", "reinforce_loss"]


@checked
def reinforce_loss(
    log_probs: FloatTensor,
    mask: MaskTensor,
    rewards: Tensor,
    baseline: Tensor | float = 0.0,
    num_captions: Tensor | Positive | None = None,
) -> Tensor:
    r"""Loss whose expected gradient over sampled captions is that of the negative expected reward.

    .. math:: -\frac{1}{N} \sum_{p} \sum_{l} (r_p - b_{p, l}) \log P(w_{p, l} | w_{p, <l})

    Args:
        log_probs: Log-probabilities of the sampled words under the distribution that they were sampled from.
        mask: True at real words, the end token included.
        rewards: r, one per caption; no gradient flows through them.
        baseline: b: a number, one per caption, or one per word; it may depend on earlier words, not on the word itself.
        num_captions: N if a batch is spread over ranks or accumulated batches; else the number of captions with a word.

    Shapes: log_probs and mask ``[P, L]``, rewards ``[P]``, baseline ``[]``, ``[P]`` or ``[P, L]`` -> scalar.

    Raises:
        ShapeError: If axes differ.
        OptionError: If a tensor is of another type.

    Reference: Williams, Machine Learning 8, 1992; for captions Ranzato et al., ICLR 2016, arXiv 1511.06732.

    >>> half = torch.tensor([[0.5, 0.5], [0.25, 1.0]]).log()
    >>> reinforce_loss(half, torch.tensor([[True, True], [True, False]]), torch.tensor([1.0, 0.0]), 0.5)
    tensor(-0.)
    """
    check_shape("log_probs", log_probs, "P L")
    sizes = {"P": log_probs.size(0), "L": log_probs.size(1)}
    check_shape("mask", mask, "P L", **sizes)
    check_shape("rewards", rewards, "P", **sizes)
    if isinstance(num_captions, Tensor):
        check_shape("num_captions", num_captions, "")
    if rewards.is_complex():
        raise OptionError(f"'rewards' must be real numbers, got {described(rewards)}.")
    if not rewards.is_floating_point():
        rewards = rewards.to(log_probs.dtype)  # a baseline would be cut to whole numbers
    baseline = torch.as_tensor(baseline, dtype=rewards.dtype, device=rewards.device)
    if baseline.dim():
        check_shape("baseline", baseline, "P L" if baseline.dim() > 1 else "P", **sizes)
    expected = baseline if baseline.dim() == 2 else baseline.expand_as(rewards)[:, None]
    gain = (rewards[:, None] - expected).detach()
    count = mask.any(1).sum().clamp(min=1) if num_captions is None else num_captions
    return -(gain * log_probs.masked_fill(~mask, 0.0)).sum() / count


@checked
def caption_log_probs(
    logits: FloatTensor, tokens: IndexTensor, suppress_tokens: Sequence[int] = ()
) -> Tensor:
    """Log-probabilities of words among those that may be sampled; decoding reports them among all words.

    Args:
        logits: Scores of the next word.
        tokens: The words that followed, 0 where there is none.
        suppress_tokens: Words that are never sampled.

    Shapes: logits ``[P, L, V]``, tokens ``[P, L]`` -> ``[P, L]``, 0 where there is no word, and -inf for a suppressed one.

    Raises:
        ShapeError: If axes differ.
        OptionError: If a word is outside the vocabulary.

    >>> caption_log_probs(torch.zeros(1, 2, 5), torch.tensor([[3, 0]]), suppress_tokens=(0, 1, 2)).exp()
    tensor([[0.5000, 1.0000]])
    """
    check_shape("tokens", tokens, "P L")
    check_shape("logits", logits, "P L V", P=tokens.size(0), L=tokens.size(1))
    check_values("tokens", tokens, logits.size(2))
    if outside := [word for word in suppress_tokens if not 0 <= word < logits.size(2)]:
        raise OptionError(
            f"'suppress_tokens' must be words from 0 to {logits.size(2) - 1}, got {outside[0]}."
        )
    scores = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if suppress_tokens:
        suppressed = torch.tensor(sorted({*suppress_tokens}), device=logits.device)
        scores = scores.index_fill(2, suppressed, -torch.inf)
    chosen = scores.log_softmax(-1).gather(2, tokens[..., None])[..., 0]
    return chosen.masked_fill(tokens == 0, 0.0)


@checked
@dataclass(frozen=True)
class ReinforceStep:
    """The loss of a step, and values to log.

    Args:
        loss: The REINFORCE loss.
        values: "reward" and "baseline", means over the sampled captions; "unfinished", the share of them that was cut at
            the largest length; "seconds" without the backward pass; "reward_seconds", those spent waiting for rewards.
    """

    loss: Tensor
    values: dict[str, float]


@checked
class Reinforce(nn.Module):
    """Samples captions of a batch of videos, rewards them, and computes the loss, for every captioning model.

    Captions are sampled, and the sampled words scored, in evaluation mode: the distribution that is differentiated is then
    the one that was sampled from and the one that is evaluated. The language loss that is added to this one keeps its
    dropout. Rewards are computed in a thread while the model scores the sampled words.

    Args:
        reward: (captions, ids of their videos) -> rewards, such as a :class:`~stgraph.metrics.CaptionReward`.
        tokenizer: Of the model.
        baseline: None for the reward of the greedy caption (self-critical), or a :class:`LearnedBaseline`, which saves the
            greedy captions and their rewards.
        samples_per_video: Captions sampled per video.

    Raises:
        OptionError: If ``samples_per_video`` is below 1.

    Reference: Rennie et al., CVPR 2017 (self-critical); Cherian et al., WACV 2020; evaluation mode: our own design.
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
        model: CaptioningModel,
        graphs: Batch,
        video_ids: Sequence[str],
        *,
        branch: str | None = None,
        seed: int = 0,
        owned: MaskTensor | None = None,
        num_captions: Tensor | Positive | None = None,
    ) -> ReinforceStep:
        """One step.

        Args:
            model: The model.
            graphs: A batch of videos.
            video_ids: Their ids.
            branch: Branch to sample from; None is the one that is evaluated.
            seed: Seed of the samples; pass another one at each step.
            owned: Whether a video counts on this rank, ``[B]``; None counts all.
            num_captions: As in :func:`reinforce_loss`.

        Raises:
            OptionError: If the model has no such branch, or ``seed`` is negative.
            UnknownVideoError: If a video has no references.
        """
        if owned is not None:
            check_shape("owned", owned, "B", B=len(video_ids))
        if isinstance(num_captions, Tensor):
            check_shape("num_captions", num_captions, "")
        begun = time.perf_counter()
        branch = model.branches[0] if branch is None else branch
        model.check_branch(branch)
        samples = self.samples_per_video
        ids = [video for video in video_ids for _ in range(samples)]
        special_tokens = self.tokenizer.special_tokens
        with model.without_dropout(), ThreadPoolExecutor(1) as pool:
            greedy_rewards = None
            if self.baseline is None:
                greedy = model.generate(graphs, special_tokens, branch)
                greedy_rewards = pool.submit(
                    self.reward, self.tokenizer.decode(greedy.tokens), list(video_ids)
                )
            sampling = Sampling(seed=seed, captions_per_video=samples)
            tokens = model.generate(graphs, special_tokens, branch, decoding=sampling).tokens
            tokens = tokens[:, : max(1, int((tokens != 0).sum(1).max()))]
            sampled_rewards = pool.submit(self.reward, self.tokenizer.decode(tokens), ids)
            video = torch.arange(len(ids), device=tokens.device) // samples
            given = torch.cat([torch.full_like(tokens[:, :1], special_tokens.bos), tokens[:, :-1]], dim=1)
            with _features(model, branch) as features:
                logits = model(graphs, given, video)[branch]
            log_probs = caption_log_probs(logits, tokens, special_tokens.suppress_tokens)
            waiting = time.perf_counter()
            rewards = torch.tensor(sampled_rewards.result(), dtype=torch.float32, device=tokens.device)
            greedy_values = [] if greedy_rewards is None else greedy_rewards.result()
        now = time.perf_counter()
        mask = tokens != 0
        if owned is not None:
            mask = mask & owned.to(mask.device)[video, None]
        if self.baseline is None:
            baseline = rewards.new_tensor(greedy_values)[video, None].expand_as(log_probs)
        else:
            baseline = self.baseline(features[0])
            self.baseline.update(features[0], mask, rewards)
        has_words = mask.any(1)
        count = max(1, int(has_words.sum())) if num_captions is None else float(num_captions)

        def mean(values: Tensor) -> float:
            return float(values[has_words].sum()) / count

        values = {
            "reward": mean(rewards),
            "baseline": mean((baseline * mask).sum(1) / mask.sum(1)),
            "unfinished": mean((tokens != special_tokens.eos).all(1).float()),
            "seconds": time.perf_counter() - begun,
            "reward_seconds": now - waiting,
        }
        return ReinforceStep(reinforce_loss(log_probs, mask, rewards, baseline, num_captions), values)


@contextmanager
def _features(model: CaptioningModel, branch: str) -> Iterator[list[Tensor]]:
    """Collects the inputs of the branch's word scores, ``[P, L, C]``, from the forward pass inside the block."""
    found: list[Tensor] = []

    def collect(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found.append(inputs[0].detach().float())

    hook = model.lm_head(branch).register_forward_pre_hook(collect)
    try:
        yield found
    finally:
        hook.remove()
