"""The likeliest word at each step."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from stgraph.decoding.captions import CaptionRows, DecodedCaptions
from stgraph.decoding.protocol import DecodingState, StepDecoder, attention_of
from stgraph.errors import OptionError

__all__ = ["check_max_words", "greedy"]


@torch.no_grad()
def greedy(
    decoder: StepDecoder,
    state: DecodingState,
    num_captions: int,
    *,
    max_length: int,
    bos: int,
    eos: int,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
    attention: bool = False,
) -> DecodedCaptions:
    """Takes the likeliest word until the end mark or ``max_length`` words; finished captions leave the batch.

    Args:
        decoder: Whatever goes one word at a time.
        state: Its state before the first word, of ``num_captions`` captions, with room for ``max_length`` tokens.
        max_length: At most so many words; a caption cut there has no end mark.
        bos, eos: Ids of the begin and end marks.
        banned: Ids that are never emitted, such as the unknown word and padding.
        attention: Whether to keep what each word was chosen by; the decoder must say it.

    Raises: OptionError: ``max_length`` below 1, or ``attention`` of a decoder that does not say it.
    Reference: Pan et al., CVPR 2020, section 4.3 (greedy decoding).
    """
    check_max_words(max_length)
    rows = CaptionRows.empty(num_captions, max_length, device)
    active = torch.arange(num_captions, device=device)
    last = torch.full((num_captions,), bos, device=device)
    forbidden = torch.tensor(sorted({*banned, bos}), device=device)
    for position in range(max_length):
        if not len(active):
            break
        scores, state = decoder.step(last, state)
        if attention:
            rows.look(active, position, attention_of(state))
        # Filled in place: log_softmax has just made this tensor.
        scores = scores.float().log_softmax(-1).index_fill_(1, forbidden, -torch.inf)
        log_probs, last = scores.max(1)
        rows.write(active, position, last, log_probs)
        going = (last != eos).nonzero()[:, 0]
        if len(going) < len(active):
            active, last, state = active[going], last[going], state.select(going)
    return rows.done()


def check_max_words(max_length: int) -> None:
    """Raises OptionError where there is no room for a word."""
    if max_length < 1:
        raise OptionError(f"'max_length' must be at least 1, got {max_length}.")
