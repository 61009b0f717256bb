"""Base class of the decoding methods, and the loop that greedy decoding and sampling share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.decoding.captions import CaptionRows, DecodedCaptions
from stgraph.decoding.protocol import StepDecoder
from stgraph.errors import OptionError
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.nn.packed_linear import packed_linears
from stgraph.text.special_tokens import SpecialTokens

__all__ = ["Decoding"]

MOST_WORDS = 1 << 20
"""Largest length of a caption."""
MOST_ENDED = 1 / 16
"""Share of ended captions up to which they stay in the batch; when they leave it, the state of all others is copied."""
ChooseWords = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


@checked
class Decoding(ABC):
    """A method of choosing the words of captions: :class:`Greedy`, :class:`BeamSearch` or :class:`Sampling`.

    Attributes:
        method: Its name on the command line and in evaluation files.
    """

    method: ClassVar[str]

    @property
    @abstractmethod
    def captions_per_video(self) -> int:
        """Number of captions returned per video."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Short name, unique among all decodings and usable in a file name."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Options as the command line names them; :func:`decoding_from_dict` reads them."""

    @abstractmethod
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
        """Decodes captions with any language model that works one word at a time.

        Args:
            decoder: The language model.
            state: Its state before the first word of ``num_captions`` captions, with room for ``max_length`` tokens.
            num_captions: Number of videos B in the state.
            special_tokens: Ids of begin and end, and of what is never generated.
            max_length: Largest number of words, the end token included; a caption cut there has no end token.
            suppress_tokens: Further ids that are never generated.
            keys: Distinguish captions when words are drawn at random, see :class:`Sampling`; other methods ignore them.
            attention: Whether to keep the attention weights of each word; the decoder must report them.
            device: Device of the state.

        Raises:
            OptionError: If ``max_length`` is below 1, or ``attention`` is asked of a decoder that doesn't report it.
        """

    def _label(self, first: object, **options: object) -> str:
        changed = {name: value for name, value in options.items() if value != getattr(type(self), name)}
        return "-".join([f"{self.method}{first}", *(f"{name}{value}" for name, value in changed.items())])


def check_sizes(state: DecodingState, num_captions: int, max_length: int) -> None:
    """Raises OptionError if there is no room for a word, or the state is of another number of captions."""
    if max_length < 1:
        raise OptionError(f"'max_length' must be at least 1, got {max_length}.")
    if max_length > MOST_WORDS:
        raise OptionError(f"'max_length' must be at most {MOST_WORDS}, got {max_length}.")
    if num_captions < 0:
        raise OptionError(f"'num_captions' must be at least 0, got {num_captions}.")
    if state.num_captions not in (None, num_captions):
        raise OptionError(
            f"'num_captions' must be the number of captions of 'state', {state.num_captions}, got {num_captions}."
        )


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raises OptionError unless an option is a whole number from ``least`` on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(f"'{name}' must be a whole number from {least} on, got {value!r}.")


def check_number(name: str, value: object) -> None:
    """Raises OptionError unless an option is a number."""
    if not isinstance(value, int | float):
        raise OptionError(f"'{name}' must be a number, got {value!r}.")


def suppressed_ids(
    special_tokens: SpecialTokens, suppress_tokens: Sequence[int], device: torch.device | str
) -> Tensor:
    """All ids that are never generated, sorted."""
    return torch.tensor(sorted({*special_tokens.suppress_tokens, *suppress_tokens}), device=device)


def reported_attention(state: DecodingState) -> Mapping[str, Tensor]:
    """Attention weights of the last step.

    Raises:
        OptionError: If the decoder doesn't report them.
    """
    if not state.attention:
        raise OptionError(
            "'attention' must be false for this decoder, got true; its steps don't report attention weights."
        )
    return state.attention


def decode_rows(
    decoder: StepDecoder[Any],
    state: DecodingState,
    num_rows: int,
    special_tokens: SpecialTokens,
    choose: ChooseWords,
    *,
    max_length: int,
    suppress_tokens: Sequence[int],
    attention: bool,
    device: torch.device | str,
) -> DecodedCaptions:
    """Decodes independent rows word by word; finished rows leave the batch, several at a time.

    Args:
        decoder: As in :meth:`Decoding.decode`; likewise the arguments that are not listed here.
        state: Of ``num_rows`` captions.
        num_rows: Number of captions R.
        special_tokens: Ids of begin and end, and of what is never generated.
        choose: From log-probabilities ``[P, V]`` (minus infinity where suppressed), the rows that are still open ``[P]``
            and the position to the words ``[P]`` and their log-probabilities ``[P]``.
        max_length: Largest number of words.
        suppress_tokens: Further ids that are never generated.
        attention: Whether to keep the attention weights of each word.
        device: Device of the state.
    """
    rows = CaptionRows.empty(num_rows, max_length, device)
    active = torch.arange(num_rows, device=device)
    going = torch.ones(num_rows, dtype=torch.bool, device=device)
    last = torch.full((num_rows,), special_tokens.bos, device=device)
    suppressed = suppressed_ids(special_tokens, suppress_tokens, device)
    with packed_linears(decoder):
        for position in range(max_length):
            if not len(active):
                break
            scores, state = decoder.step(last, state)
            if attention:
                rows.set_attention(
                    active[going],
                    position,
                    {name: weights[going] for name, weights in reported_attention(state).items()},
                )
            # Filled in place: log_softmax has just made this tensor.
            scores = scores.float().log_softmax(-1).index_fill_(1, suppressed, -torch.inf)
            last, log_probs = choose(scores, active, position)
            rows.write(active[going], position, last[going], log_probs[going])
            going = going & (last != special_tokens.eos)
            left = going.nonzero()[:, 0]
            if len(active) - len(left) > len(active) * MOST_ENDED or not len(left):
                active, last, going, state = active[left], last[left], going[left], state.select(left)
    return rows.done()
