"""Words drawn at random."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stgraph.decoding.captions import CaptionRows, DecodedCaptions
from stgraph.decoding.greedy import check_max_words
from stgraph.decoding.protocol import DecodingState, StepDecoder, attention_of
from stgraph.errors import OptionError

__all__ = ["draw_words", "random_streams", "sample"]


@torch.no_grad()
def sample(
    decoder: StepDecoder,
    state: DecodingState,
    num_captions: int,
    *,
    max_length: int,
    bos: int,
    eos: int,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    num_samples: int = 1,
    keys: Sequence[str | int] | None = None,
    attention: bool = False,
) -> DecodedCaptions:
    """Draws each word from the model's distribution over the allowed words, sharpened and cut as :func:`draw_words` says.

    The random number for word l of sample i of a caption is a function of (``seed``, its key, i, l) alone, so that neither
    the batch nor the device has a say in what is drawn.

    Args:
        decoder, state, num_captions, max_length, bos, eos, banned, device, attention: As in :func:`greedy`.
        temperature, top_k, top_p: As in :func:`draw_words`.
        seed: Of the random numbers.
        num_samples: How many captions a video, each drawn for itself.
        keys: What tells captions apart, such as the ids of their videos; None takes their places 0, 1, ...

    Raises: OptionError: As :func:`greedy`, or other keys than captions.
    Reference: Fan et al., ACL 2018 (top-k); Holtzman et al., ICLR 2020 (top-p, the nucleus).
    """
    check_max_words(max_length)
    keys = range(num_captions) if keys is None else keys
    if len(keys) != num_captions:
        raise OptionError(f"'keys' must be one a caption, {num_captions}, got {len(keys)}.")
    uniform = random_streams(keys, num_samples, max_length, seed).to(device)
    rows = CaptionRows.empty(num_captions * num_samples, max_length, device)
    active = torch.arange(num_captions * num_samples, device=device)
    if num_samples > 1:
        state = state.select(active // num_samples)
    last = torch.full((len(active),), bos, device=device)
    forbidden = torch.tensor(sorted({*banned, bos}), device=device)
    for position in range(max_length):
        if not len(active):
            break
        scores, state = decoder.step(last, state)
        if attention:
            rows.look(active, position, attention_of(state))
        scores = scores.float().log_softmax(-1).index_fill_(1, forbidden, -torch.inf)
        last = draw_words(scores, uniform[active, position], temperature, top_k, top_p)
        rows.write(active, position, last, scores.gather(1, last[:, None])[:, 0])
        going = (last != eos).nonzero()[:, 0]
        if len(going) < len(active):
            active, last, state = active[going], last[going], state.select(going)
    return rows.done()


def draw_words(
    scores: Tensor,
    uniform: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    r"""The word at which the cumulated probabilities pass ``uniform``, in :math:`\mathrm{softmax}(s / \tau)` after the cuts.

    Args:
        scores: Of all words ``[P, V]``, up to a constant a row; minus infinity where a word is not allowed.
        uniform: Numbers in [0, 1) ``[P]``, float64.
        temperature: :math:`\tau`; below 1 likely words become likelier.
        top_k: Only so many likeliest words are left; of equal ones those with lower ids. None cuts none.
        top_p: Then only the fewest likeliest words that hold this share of the probability. None cuts none.

    Shapes: -> ``[P]``. Reference: house design.

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
    # As uniform is below 1 and a word of probability 0 adds nothing, the first sum past it ends at an allowed word.
    sums = probabilities.double().cumsum(1)
    return torch.searchsorted(sums, uniform[:, None] * sums[:, -1:], right=True)[:, 0]


def random_streams(keys: Sequence[str | int], num_samples: int, max_length: int, seed: int) -> Tensor:
    """Numbers in [0, 1) by (seed, key, sample, word) alone ``[R * num_samples, max_length]``, float64, for R keys.

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
