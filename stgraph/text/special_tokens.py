"""Ids of the special tokens of a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from stgraph.checking import checked
from stgraph.errors import OptionError

__all__ = ["SpecialTokens"]


@checked
@dataclass(frozen=True)
class SpecialTokens:
    """Ids of the special tokens that decoding needs; the defaults are those of :class:`CaptionTokenizer`.

    Args:
        pad: Fills sequences after their end; must be 0, as padded token tensors hold zeros.
        bos: Begin of a sequence.
        eos: End of a sequence.
        unk: Any word outside the vocabulary.
        generate_unk: Whether the unknown word may be generated, as in the released code of STAT.

    Raises:
        OptionError: If ``pad`` is not 0, an id is negative, or two ids are equal.

    >>> SpecialTokens().suppress_tokens
    (0, 1, 3)
    """

    pad: int = 0
    bos: int = 1
    eos: int = 2
    unk: int = 3
    generate_unk: bool = False

    def __post_init__(self) -> None:
        ids = (self.pad, self.bos, self.eos, self.unk)
        if self.pad != 0:
            raise OptionError(f"'pad' must be 0, got {self.pad}; padded token tensors hold zeros.")
        if min(ids) < 0 or len(set(ids)) < len(ids):
            raise OptionError(f"Special tokens must have four different ids from 0 on, got {ids}.")

    @property
    def suppress_tokens(self) -> tuple[int, ...]:
        """Ids that are never generated, which are padding, begin and, by default, unknown."""
        return (self.pad, self.bos) if self.generate_unk else (self.pad, self.bos, self.unk)
