"""The likeliest captions that a search with a few open beginnings finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stgraph.decoding.captions import CaptionRows, DecodedCaptions
from stgraph.decoding.greedy import check_max_words
from stgraph.decoding.protocol import DecodingState, StepDecoder, attention_of, move_beams

__all__ = ["beam_search"]


@torch.no_grad()
def beam_search(
    decoder: StepDecoder,
    state: DecodingState,
    num_captions: int,
    *,
    max_length: int,
    bos: int,
    eos: int,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
    beam_size: int = 5,
    length_penalty: float = 0.0,
    num_best: int = 1,
    attention: bool = False,
) -> DecodedCaptions:
    r"""Keeps the ``beam_size`` likeliest beginnings of each caption, word by word.

    At each step every open beginning is continued by every word. Of the k likeliest continuations those that end, or that
    have ``max_length`` words, are finished; the k likeliest that do not end stay open. The answer is the finished captions
    with the best scores,

    .. math:: \frac{1}{n^\alpha} \sum_{l=1}^{n} \log P(w_l | w_{<l}), \quad n \text{ words, the end mark among them.}

    A caption leaves the batch as soon as none of its open beginnings can come before its ``num_best``-th finished one,
    which changes no answer. Captions know nothing of each other.

    Args:
        decoder, state, num_captions, max_length, bos, eos, banned, device, attention: As in :func:`greedy`.
        beam_size: k, how many beginnings of a caption stay open.
        length_penalty: :math:`\alpha`, at least 0; 0, as published, compares sums, 1 means over words.
        num_best: How many captions a video, best first; at most ``beam_size``.

    Raises: OptionError: As :func:`greedy`.
    Reference: Tu et al., ACM MM 2017, and Cherian et al., WACV 2020 (beams of 5); dividing by a power of the length is
        house design, after Wu et al., 2016, https://arxiv.org/abs/1609.08144.
    """
    check_max_words(max_length)
    active = torch.arange(num_captions, device=device)
    opened = CaptionRows.empty(num_captions, max_length, device)
    scores = torch.zeros(num_captions, 1, device=device)  # of the open beginnings [A, width]
    finished = _Finished(num_captions, num_best, max_length, device)
    last = torch.full((num_captions,), bos, device=device)
    forbidden = torch.tensor(sorted({*banned, bos}), device=device)
    for position in range(max_length):
        if not len(active):
            break
        width = scores.size(1)
        logits, state = decoder.step(last, state)
        if attention:
            opened.look(torch.arange(len(last), device=device), position, attention_of(state))
        found = _continue(logits, scores, forbidden, 2 * beam_size)  # of 2 k, at least k do not end
        ends = found.words == eos
        if position + 1 == max_length:
            ends.fill_(True)
        if ends[:, :beam_size].any():
            first = found.first(beam_size)
            ended = first.totals.masked_fill(~ends[:, :beam_size], -torch.inf)
            finished.add(active, ended / (position + 1) ** length_penalty, first.written(opened, position))
        totals, order = found.totals.masked_fill(ends, -torch.inf).topk(min(beam_size, ends.size(1)))
        # A sum of log-probabilities only falls and a longer caption divides it by more: no beginning can get past this.
        bound = totals[:, 0] / max_length**length_penalty
        staying = (bound > finished.scores[active, -1]).nonzero()[:, 0]
        going = found.pick(order).of(staying)
        opened, scores = going.written(opened, position), totals[staying]
        last, active = going.words.flatten(), active[staying]
        state = move_beams(state, staying, going.beams, width)
    return finished.rows.done()


class _Continuations(NamedTuple):
    """Ways to go on, the likeliest first: their log-probability, and whose and which word they add. Each is ``[A, C]``."""

    totals: Tensor
    beams: Tensor
    rows: Tensor  # of the beginning among all open ones
    words: Tensor
    log_probs: Tensor

    def first(self, count: int) -> _Continuations:
        return _Continuations(*(values[:, :count] for values in self))

    def pick(self, order: Tensor) -> _Continuations:
        return _Continuations(*(values.gather(1, order) for values in self))

    def of(self, captions: Tensor) -> _Continuations:
        return _Continuations(*(values[captions] for values in self))

    def written(self, opened: CaptionRows, position: int) -> CaptionRows:
        rows = opened.pick(self.rows.flatten())
        rows.write(slice(None), position, self.words.flatten(), self.log_probs.flatten())
        return rows


def _continue(logits: Tensor, scores: Tensor, forbidden: Tensor, count: int) -> _Continuations:
    captions, width = scores.shape
    log_probs = logits.float().log_softmax(-1).index_fill_(1, forbidden, -torch.inf)
    # The best of all beams are among the best of each: less to sort, and no second tensor as wide as the vocabulary.
    values, words = log_probs.topk(min(count, log_probs.size(1)))
    totals = (scores.view(-1, 1) + values).view(captions, -1)
    totals, index = totals.topk(min(count, totals.size(1)))
    beams = index // values.size(1)
    rows = beams + width * torch.arange(captions, device=beams.device)[:, None]
    of_all = lambda table: table.view(captions, -1).gather(1, index)
    return _Continuations(totals, beams, rows, of_all(words), of_all(values))


class _Finished:
    """The best finished captions of each video: scores ``[B, n]``, best first, and rows b * n + i."""

    def __init__(self, videos: int, num_best: int, max_length: int, device: torch.device | str) -> None:
        self.scores = torch.full((videos, num_best), -torch.inf, device=device)
        self.rows = CaptionRows.empty(videos * num_best, max_length, device)
        self.places = torch.arange(videos * num_best, device=device).view(videos, num_best)

    def add(self, videos: Tensor, scores: Tensor, rows: CaptionRows) -> None:
        """Lets new captions, ``[A, k]`` by score and A * k rows, in among those of ``videos``; the older stands on ties."""
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
