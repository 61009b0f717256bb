"""Attribution of a caption's words to the features of frames, boxes and cells by gradients."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from stgraph.errors import DependencyError
from stgraph.inspection.grounding.caption_words import CaptionWords

__all__ = ["Baseline", "baseline_of", "gradient_x_input", "integrated_gradients"]

Baseline = Literal["zero", "mean"]


def baseline_of(streams: dict[str, Tensor], baseline: Baseline) -> dict[str, Tensor]:
    """The features that stand for nothing: zeros, or the mean over the video's frames or boxes."""
    if baseline == "zero":
        return {name: torch.zeros_like(value) for name, value in streams.items()}
    return {name: value.mean(0, keepdim=True).expand_as(value) for name, value in streams.items()}


def gradient_x_input(words: CaptionWords, baseline: Baseline) -> dict[str, Tensor]:
    """Gradient of each word's log-probability times the features less their baseline, by stream ``[L, ...]``."""
    streams = words.streams
    values, slopes = _gradients(words, len(words.tokens))
    base = baseline_of(streams, baseline)
    return {name: slopes[name] * (values[name] - base[name]) for name in slopes}


def integrated_gradients(
    words: CaptionWords, baseline: Baseline, n_steps: int, batch_size: int
) -> tuple[dict[str, Tensor], Tensor]:
    """Integrated gradients of each word's log-probability by stream ``[L, ...]``, and their error of completeness ``[L]``.

    Raises:
        DependencyError: If captum is not installed.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise DependencyError(
            "Integrated gradients need captum; install it with pip install 'stgraph-captioning[explain]', or choose another "
            "method."
        ) from error
    streams = words.streams
    names = list(_gradients(words, 1)[1])  # captum refuses inputs that are not read
    count = len(words.tokens)

    def log_probs(*values: Tensor) -> Tensor:
        return words.log_probs(words.with_streams(dict(zip(names, values, strict=True))))

    base = baseline_of(streams, baseline)
    found, residual = IntegratedGradients(log_probs).attribute(
        tuple(streams[name].expand(count, *streams[name].shape) for name in names),
        tuple(base[name].expand(count, *base[name].shape) for name in names),
        target=torch.arange(count, device=words.tokens.device),
        n_steps=n_steps,
        internal_batch_size=max(batch_size, count),
        return_convergence_delta=True,
    )
    return dict(zip(names, found, strict=True)), residual


def _gradients(words: CaptionWords, count: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The streams that the model reads, and the gradient of word l by copy l of them."""
    streams = {
        name: value.expand(count, *value.shape).clone().requires_grad_()
        for name, value in words.streams.items()
    }
    with torch.enable_grad():
        scores = words.log_probs(words.with_streams(streams))[:, :count].diagonal().sum()
        slopes = torch.autograd.grad(scores, list(streams.values()), allow_unused=True)
    read = {name: slope for name, slope in zip(streams, slopes, strict=True) if slope is not None}
    return {name: value.detach() for name, value in streams.items()}, read
