"""Sampling: words drawn at random from the model's distribution."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.decoding.base import Decoding, check_count, check_number, check_sizes, decode_rows
from stgraph.decoding.captions import DecodedCaptions
from stgraph.decoding.protocol import StepDecoder
from stgraph.errors import OptionError
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.text.special_tokens import SpecialTokens
from stgraph.typing import FloatTensor

__all__ = ["Sampling", "draw_words", "random_streams"]


@checked
@dataclass(frozen=True)
class Sampling(Decoding):
    """Draws each word from the model's distribution over the allowed words, sharpened and cut as in :func:`draw_words`.

    The random number for word l of sample i of a caption is a function of (``seed``, its key, i, l) alone, so that draws
    depend neither on the batch nor on the device. Keys are the ids of the videos, or 0, 1, ... where they have none.

    Args:
        temperature: As in :func:`draw_words`; likewise ``top_k`` and ``top_p``.
        top_k: Largest number of words to draw from; None cuts none.
        top_p: Share of the probability to draw from; None cuts none.
        seed: Seed of the random numbers.
        captions_per_video: Number of captions drawn per video, independently of each other.

    Raises:
        OptionError: If an option is out of its range.

    Reference: Fan et al., ACL 2018 (top-k); Holtzman et al., ICLR 2020 (top-p, the nucleus).

    >>> Sampling(top_p=0.9).label
    'sample0-top_p0.9'
    """

    method: ClassVar[str] = "sample"

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    captions_per_video: int = 1

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature)
        if not 0 < self.temperature < math.inf:
            raise OptionError(
                f"'temperature' must be above 0, got {self.temperature}; for 0, the likeliest word, use method 'greedy'."
            )
        if self.top_k is not None:
            check_count("top_k", self.top_k)
        if self.top_p is not None:
            check_number("top_p", self.top_p)
            if not 0 < self.top_p <= 1:
                raise OptionError(f"'top_p' must be above 0 and at most 1, got {self.top_p}.")
        check_count("seed", self.seed, least=0)
        check_count("captions_per_video", self.captions_per_video)

    @property
    def label(self) -> str:
        """The method and the seed, then the options that differ from their defaults."""
        return self._label(
            self.seed,
            temperature=float(self.temperature),
            top_k=self.top_k,
            top_p=None if self.top_p is None else float(self.top_p),  # 1 and 1.0 are one decoding
            captions_per_video=self.captions_per_video,
        )

    def to_dict(self) -> dict[str, Any]:
        """Method and options."""
        return {
            "method": self.method,
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            "seed": self.seed,
            "captions_per_video": self.captions_per_video,
        }

    @torch.no_grad()
    def decode(
        self,
        decoder: StepDecoder[Any],
        state: DecodingState,
        num_captions: int,
        special_tokens: SpecialTokens,
        *,
        max_length: int,
        suppress_tokens: Sequence[int] = (),
        keys: Sequence[str | int] | None = None,
        attention: bool = False,
        device: torch.device | str = "cpu",
    ) -> DecodedCaptions:
        """Draws ``captions_per_video`` captions per video; see :meth:`Decoding.decode`.

        Raises:
            OptionError: As in :meth:`Decoding.decode`, or if the number of ``keys`` is not that of the captions.
        """
        check_sizes(state, num_captions, max_length)
        keys = range(num_captions) if keys is None else keys
        if len(keys) != num_captions:
            raise OptionError(f"'keys' must be one per caption, {num_captions}, got {len(keys)}.")
        uniform = random_streams(keys, self.captions_per_video, max_length, self.seed).to(device)
        num_rows = num_captions * self.captions_per_video
        if self.captions_per_video > 1:
            state = state.select(torch.arange(num_rows, device=device) // self.captions_per_video)

        def draw(scores: Tensor, active: Tensor, position: int) -> tuple[Tensor, Tensor]:
            words = draw_words(scores, uniform[active, position], self.temperature, self.top_k, self.top_p)
            return words, scores.gather(1, words[:, None])[:, 0]

        return decode_rows(
            decoder,
            state,
            num_rows,
            special_tokens,
            draw,
            max_length=max_length,
            suppress_tokens=suppress_tokens,
            attention=attention,
            device=device,
        )


@checked
@axes(scores="P V", uniform="P")
def draw_words(
    scores: FloatTensor,
    uniform: FloatTensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    r"""Draws words from :math:`\mathrm{softmax}(s / \tau)` after the cuts, by inverse transform sampling.

    Args:
        scores: Scores of all words ``[P, V]``, up to a constant per row; minus infinity where a word is not allowed.
        uniform: Numbers in [0, 1) ``[P]``, float64; the word at which the cumulated probabilities exceed it is drawn.
        temperature: :math:`\tau`; below 1 likely words become likelier.
        top_k: Keeps this number of likeliest words; of equal ones those with lower ids. None cuts none.
        top_p: Then keeps the fewest likeliest words that hold this share of the probability. None cuts none.

    Returns:
        Ids of the words ``[P]``.

    Reference: our own design.

    >>> scores = torch.tensor([[0.1, 0.6, 0.3]]).log()
    >>> uniform = torch.tensor([0.95], dtype=torch.float64)
    >>> draw_words(scores, uniform), draw_words(scores, uniform, top_k=1)
    (tensor([2]), tensor([1]))
    """
    scores = scores / temperature
    if top_k is None and top_p is None:
        return _pass(scores.softmax(-1), uniform)
    scores, words = scores.sort(dim=1, descending=True, stable=True)
    probabilities = scores[:, :top_k].softmax(-1)
    if top_p is not None:
        before = probabilities.cumsum(1) - probabilities
        probabilities = probabilities.masked_fill(before >= top_p, 0.0)
    return words.gather(1, _pass(probabilities, uniform)[:, None])[:, 0]


def _pass(probabilities: Tensor, uniform: Tensor) -> Tensor:
    # As uniform is below 1 and words of probability 0 add nothing, the first larger sum ends at an allowed word.
    sums = probabilities.double().cumsum(1)
    return torch.searchsorted(sums, uniform[:, None] * sums[:, -1:], right=True)[:, 0]


def random_streams(keys: Sequence[str | int], num_samples: int, max_length: int, seed: int) -> Tensor:
    """Numbers in [0, 1) that depend on (seed, key, sample, word) alone.

    Shapes: R keys -> ``[R * num_samples, max_length]``, float64.

    >>> two = random_streams(["cat", "dog"], 1, 3, seed=0)
    >>> torch.equal(two.flip(0), random_streams(["dog", "cat"], 1, 3, seed=0))
    True
    """
    streams = []
    for key in keys:
        for number in range(num_samples):
            # torch's generator keeps 32 bits of a seed, too few for no two captions to share a stream.
            digest = hashlib.sha256(f"{seed}/{number}/{key}".encode()).digest()
            streams.append(np.random.default_rng(int.from_bytes(digest)).random(max_length))
    return torch.from_numpy(np.array(streams).reshape(-1, max_length))
