"""One entry for all ways of choosing words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch

from stgraph.decoding.beam import beam_search
from stgraph.decoding.captions import DecodedCaptions
from stgraph.decoding.greedy import greedy
from stgraph.decoding.protocol import DecodingState, StepDecoder
from stgraph.decoding.sampling import sample
from stgraph.errors import OptionError

__all__ = ["Decoding", "decode"]

OPTIONS = {
    "greedy": (),
    "beam": ("beam_size", "length_penalty", "captions_per_video"),
    "sample": ("temperature", "top_k", "top_p", "seed", "captions_per_video"),
}
REAL = ("length_penalty", "temperature", "top_p")


@dataclass(frozen=True)
class Decoding:
    """How words are chosen; the default is greedy. An option that the method would not heed must keep its default.

    Args:
        method: "greedy", "beam" or "sample".
        beam_size, length_penalty: Of beam search; see :func:`beam_search`.
        temperature, top_k, top_p, seed: Of sampling; see :func:`sample`.
        captions_per_video: How many of the best captions (beam) or of the samples are returned.

    Raises: OptionError: A value that cannot be, or one that the method does not heed.

    >>> Decoding("beam", beam_size=3).length_penalty
    0.0
    """

    method: str = "greedy"
    beam_size: int = 5
    length_penalty: float = 0.0
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    captions_per_video: int = 1

    def __post_init__(self) -> None:
        if self.method not in OPTIONS:
            raise OptionError(f"'method' must be one of {tuple(OPTIONS)}, got {self.method!r}.")
        for name in ("beam_size", "captions_per_video", "top_k", "seed"):
            value, least = getattr(self, name), 0 if name == "seed" else 1
            if name == "top_k" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise OptionError(f"'{name}' must be a whole number from {least} on, got {value!r}.")
        for name in REAL:
            value = getattr(self, name)
            if not isinstance(value, int | float) and not (name == "top_p" and value is None):
                raise OptionError(f"'{name}' must be a number, got {value!r}.")
        if not 0 <= self.length_penalty < math.inf:
            raise OptionError(f"'length_penalty' must be at least 0, got {self.length_penalty}.")
        if not 0 < self.temperature < math.inf:
            raise OptionError(
                f"'temperature' must be above 0, got {self.temperature}; for 0, the likeliest word, use method 'greedy'."
            )
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise OptionError(f"'top_p' must be above 0 and at most 1, got {self.top_p}.")
        for option in fields(self)[1:]:
            value = getattr(self, option.name)
            if value != option.default and option.name not in OPTIONS[self.method]:
                users = " or ".join(repr(name) for name, options in OPTIONS.items() if option.name in options)
                raise OptionError(
                    f"'{option.name}' must stay {option.default} with method {self.method!r}, got {value}; "
                    f"it is an option of {users}."
                )
        if self.method == "beam" and self.captions_per_video > self.beam_size:
            raise OptionError(
                f"'captions_per_video' must be at most 'beam_size', {self.beam_size}, got {self.captions_per_video}."
            )

    @property
    def label(self) -> str:
        """A short name that no other decoding has, fit for a file.

        >>> Decoding().label, Decoding("beam", length_penalty=0.7).label, Decoding("sample", top_p=0.9).label
        ('greedy', 'beam5-length_penalty0.7', 'sample0-top_p0.9')
        """
        first = {"beam": "beam_size", "sample": "seed"}.get(self.method, "")
        label = f"{self.method}{getattr(self, first, '')}"
        for option in fields(self)[1:]:
            value = getattr(self, option.name)
            if option.name != first and value != option.default:
                number = float(value) if option.name in REAL else value  # 1 and 1.0 are one decoding
                label += f"-{option.name}{number}"
        return label


def decode(
    decoder: StepDecoder,
    state: DecodingState,
    num_captions: int,
    *,
    max_length: int,
    bos: int,
    eos: int,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
    method: Decoding | None = None,
    keys: Sequence[str | int] | None = None,
    attention: bool = False,
) -> DecodedCaptions:
    """Captions by any decoder in any way; greedy where ``method`` is None.

    Args:
        decoder, state, num_captions, max_length, bos, eos, banned, device, attention: As in :func:`greedy`.
        method: How words are chosen.
        keys: What tells captions apart when words are drawn, as in :func:`sample`; other methods need none.

    Raises: OptionError: As :func:`greedy` and :func:`sample`.
    """
    method = method or Decoding()
    drive: dict[str, Any] = {
        "max_length": max_length,
        "bos": bos,
        "eos": eos,
        "banned": banned,
        "device": device,
        "attention": attention,
    }
    options = {name: getattr(method, name) for name in OPTIONS[method.method]}
    number = options.pop("captions_per_video", 1)
    if method.method == "beam":
        return beam_search(decoder, state, num_captions, **drive, **options, num_best=number)
    if method.method == "sample":
        return sample(decoder, state, num_captions, **drive, **options, num_samples=number, keys=keys)
    return greedy(decoder, state, num_captions, **drive)
