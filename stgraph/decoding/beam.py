"""Beam search: the likeliest captions found while a few open beginnings are kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.decoding.base import (
    Decoding,
    check_count,
    check_number,
    check_sizes,
    reported_attention,
    suppressed_ids,
)
from stgraph.decoding.captions import CaptionRows, DecodedCaptions
from stgraph.decoding.likeliest import likeliest
from stgraph.decoding.protocol import StepDecoder
from stgraph.errors import OptionError
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.nn.packed_linear import packed_linears
from stgraph.text.special_tokens import SpecialTokens

__all__ = ["BeamSearch"]


@checked
@dataclass(frozen=True)
class BeamSearch(Decoding):
    r"""Keeps the ``size`` likeliest beginnings of each caption, word by word.

    At each step every open beginning is continued by every word. Of the k likeliest continuations those that end, or that
    have ``max_length`` words, are finished; the k likeliest that do not end stay open. The result is the finished captions
    with the best scores,

    .. math:: \frac{1}{n^\alpha} \sum_{l=1}^{n} \log P(w_l | w_{<l}), \quad n \text{ words, the end token included.}

    A caption leaves the batch as soon as none of its open beginnings can overtake its ``captions_per_video``-th finished
    one, which changes no result. Captions do not influence each other.

    With ``narrowing``, a beam that finishes a caption stays closed: after m finished captions, only the k - m likeliest
    continuations are considered, as in the code that the authors of STAT released.

    Args:
        size: k, how many beginnings of a caption stay open.
        length_penalty: :math:`\alpha`, at least 0; 0, as published, compares sums, 1 means over words.
        captions_per_video: Number of captions returned per video, best first; at most ``size``.
        narrowing: Whether each finished caption closes a beam.

    Raises:
        OptionError: If an option is out of its range.

    Reference: Tu et al., ACM MM 2017, the authors' released code (5 beams, with ``narrowing``); dividing by a power of the
        length is our own design, after Wu et al., 2016, https://arxiv.org/abs/1609.08144.

    >>> BeamSearch(length_penalty=0.7).label
    'beam5-length_penalty0.7'
    """

    method: ClassVar[str] = "beam"

    size: int = 5
    length_penalty: float = 0.0
    captions_per_video: int = 1
    narrowing: bool = False

    def __post_init__(self) -> None:
        check_count("beam_size", self.size)
        check_number("length_penalty", self.length_penalty)
        if not 0 <= self.length_penalty < math.inf:
            raise OptionError(f"'length_penalty' must be at least 0, got {self.length_penalty}.")
        check_count("captions_per_video", self.captions_per_video)
        if self.captions_per_video > self.size:
            raise OptionError(
                f"'captions_per_video' must be at most the beam size, {self.size}, got {self.captions_per_video}."
            )

    @property
    def label(self) -> str:
        """The method and the beam size, then the options that differ from their defaults."""
        first = f"{self.size}-narrowing" if self.narrowing else self.size
        return self._label(
            first,
            length_penalty=float(self.length_penalty),  # 1 and 1.0 are one decoding
            captions_per_video=self.captions_per_video,
        )

    def to_dict(self) -> dict[str, Any]:
        """Method and options."""
        return {
            "method": self.method,
            "beam_size": self.size,
            "length_penalty": self.length_penalty,
            "captions_per_video": self.captions_per_video,
            **({"narrowing": True} if self.narrowing else {}),  # older records do not have it
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
        """Decodes the ``captions_per_video`` best captions per video; see :meth:`Decoding.decode`."""
        check_sizes(state, num_captions, max_length)
        active = torch.arange(num_captions, device=device)
        opened = CaptionRows.empty(num_captions, max_length, device)
        scores = torch.zeros(num_captions, 1, device=device)  # of the open beginnings [A, width]
        finished = _Finished(num_captions, self.captions_per_video, max_length, device)
        last = torch.full((num_captions,), special_tokens.bos, device=device)
        suppressed = suppressed_ids(special_tokens, suppress_tokens, device)
        closed = torch.zeros(num_captions, dtype=torch.long, device=device)  # beams of each caption
        with packed_linears(decoder):
            for position in range(max_length):
                if not len(active):
                    break
                width = scores.size(1)
                logits, state = decoder.step(last, state)
                if attention:
                    every = torch.arange(len(last), device=device)
                    opened.set_attention(every, position, reported_attention(state))
                found = _continue(logits, scores, suppressed, 2 * self.size)  # of 2 k, at least k do not end
                if self.narrowing:
                    found = found.likeliest(self.size - closed[active])
                ends = found.words == special_tokens.eos
                if position + 1 == max_length:
                    ends.fill_(True)
                if ends[:, : self.size].any():
                    first = found.first(self.size)
                    ended = first.totals.masked_fill(~ends[:, : self.size], -torch.inf)
                    ended = ended / (position + 1) ** self.length_penalty
                    finished.add(active, ended, first.written(opened, position))
                    if self.narrowing:
                        closed[active] += ended.isfinite().sum(1)
                totals, order = found.totals.masked_fill(ends, -torch.inf).topk(min(self.size, ends.size(1)))
                # A sum of log-probabilities only falls and a longer caption divides it by more, so that no beginning can get
                # past this.
                bound = totals[:, 0] / max_length**self.length_penalty
                staying = (bound > finished.scores[active, -1]).nonzero()[:, 0]
                going = found.pick(order).of(staying)
                opened, scores = going.written(opened, position), totals[staying]
                last, active = going.words.flatten(), active[staying]
                state = state.select_beams(staying, going.beams, width)
        return finished.rows.done()


class _Continuations(NamedTuple):
    """Continuations of the open beginnings, the likeliest first, ``[A, C]`` each.

    Args:
        totals: Log-probability of the beginning and its new word.
        beams: Beam of the beginning within its caption.
        rows: Row of the beginning among all open ones.
        words: The new word.
        log_probs: Log-probability of the new word.
    """

    totals: Tensor
    beams: Tensor
    rows: Tensor  # of the beginning among all open ones
    words: Tensor
    log_probs: Tensor

    def first(self, count: int) -> _Continuations:
        return _Continuations(*(values[:, :count] for values in self))

    def likeliest(self, counts: Tensor) -> _Continuations:
        """Gives all but the first ``counts [A]`` of each caption a log-probability of minus infinity."""
        beyond = torch.arange(self.totals.size(1), device=counts.device) >= counts[:, None]
        return self._replace(totals=self.totals.masked_fill(beyond, -torch.inf))

    def pick(self, order: Tensor) -> _Continuations:
        return _Continuations(*(values.gather(1, order) for values in self))

    def of(self, captions: Tensor) -> _Continuations:
        return _Continuations(*(values[captions] for values in self))

    def written(self, opened: CaptionRows, position: int) -> CaptionRows:
        rows = opened.pick(self.rows.flatten())
        rows.write(slice(None), position, self.words.flatten(), self.log_probs.flatten())
        return rows


def _continue(logits: Tensor, scores: Tensor, suppressed: Tensor, count: int) -> _Continuations:
    captions, width = scores.shape
    log_probs = logits.float().log_softmax(-1).index_fill_(1, suppressed, -torch.inf)
    # The best of all beams are among the best of each: less to sort, and only one tensor as wide as the vocabulary.
    values, words = likeliest(log_probs, count)
    totals = (scores.view(-1, 1) + values).view(captions, -1)
    totals, index = totals.topk(min(count, totals.size(1)))
    beams = index // values.size(1)
    rows = beams + width * torch.arange(captions, device=beams.device)[:, None]
    words, values = (table.view(captions, -1).gather(1, index) for table in (words, values))
    return _Continuations(totals, beams, rows, words, values)


class _Finished:
    """Best finished captions of each video: scores ``[B, n]``, best first, and rows b * n + i."""

    def __init__(self, videos: int, num_best: int, max_length: int, device: torch.device | str) -> None:
        self.scores = torch.full((videos, num_best), -torch.inf, device=device)
        self.rows = CaptionRows.empty(videos * num_best, max_length, device)
        self.places = torch.arange(videos * num_best, device=device).view(videos, num_best)

    def add(self, videos: Tensor, scores: Tensor, rows: CaptionRows) -> None:
        """Merges new captions, scores ``[A, k]`` and A * k rows, into those of ``videos``; on ties the older one wins."""
        places, num_best = self.places[videos], self.places.size(1)
        both = torch.cat([self.scores[videos], scores], dim=1)
        # A stable sort, as equal scores must keep their order.
        both, order = both.sort(dim=1, descending=True, stable=True)
        self.scores[videos], order = both[:, :num_best], order[:, :num_best]
        self.rows.put(
            places.flatten(), self.rows.pick(places.gather(1, order.clamp(max=num_best - 1)).flatten())
        )
        new = order >= num_best
        source = order - num_best + scores.size(1) * torch.arange(len(videos), device=order.device)[:, None]
        self.rows.put(places[new], rows.pick(source[new]))
