"""The likeliest word at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.decoding.protocol import DecodingState, StepDecoder
from stgraph.errors import OptionError

__all__ = ["DecodedCaptions", "greedy"]


@dataclass(frozen=True)
class DecodedCaptions:
    """Word ids and their log-probabilities, in the order of the videos.

    Shapes: tokens ``[B, L]`` without the begin mark, 0 after the end mark; log_probs ``[B, L]``, 0 where padded.
    """

    tokens: Tensor
    log_probs: Tensor


@torch.no_grad()
def greedy(
    decoder: StepDecoder,
    state: DecodingState,
    num_captions: int,
    *,
    max_words: int,
    bos: int,
    eos: int,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
) -> DecodedCaptions:
    """Takes the likeliest word until the end mark or ``max_words`` words; finished captions leave the batch.

    Args:
        decoder: Whatever goes one word at a time.
        state: Its state before the first word, of ``num_captions`` captions, with room for ``max_words`` tokens.
        max_words: At most so many words; a caption cut there has no end mark.
        bos, eos: Ids of the begin and end marks.
        banned: Ids that are never emitted, such as the unknown word and padding.

    Raises: OptionError: ``max_words`` below 1.
    Reference: Pan et al., CVPR 2020, section 4.3 (greedy decoding).
    """
    if max_words < 1:
        raise OptionError(f"'max_words' must be at least 1, got {max_words}.")
    tokens = torch.zeros(num_captions, max_words, dtype=torch.long, device=device)
    log_probs = torch.zeros(num_captions, max_words, device=device)
    active = torch.arange(num_captions, device=device)
    last = torch.full((num_captions,), bos, device=device)
    forbidden = torch.tensor(sorted({*banned, bos}), device=device)
    for position in range(max_words):
        if not len(active):
            break
        scores, state = decoder.step(last, state)
        scores = scores.float().log_softmax(-1)
        allowed = scores.index_fill(1, forbidden, -torch.inf)
        last = allowed.argmax(1)
        tokens[active, position] = last
        log_probs[active, position] = scores.gather(1, last[:, None])[:, 0]
        going = (last != eos).nonzero()[:, 0]
        if len(going) < len(active):
            active, last, state = active[going], last[going], state.select(going)
    return DecodedCaptions(tokens, log_probs)
