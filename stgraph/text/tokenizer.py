"""Captions as token ids, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from stgraph.checking import checked, described
from stgraph.errors import DataError, MissingDataError, ModelFolderError, OptionError
from stgraph.files import write_text
from stgraph.limits import Limits
from stgraph.parsing import read_json
from stgraph.text.normaliser import caption_normaliser, normalise
from stgraph.text.special_tokens import SpecialTokens
from stgraph.text.vocabulary import SPECIAL, build_vocabulary
from stgraph.typing import check_shape

__all__ = ["CaptionTokenizer"]

_SPECIAL_TOKENS = SpecialTokens()
PAD, BOS, EOS, UNK = _SPECIAL_TOKENS.pad, _SPECIAL_TOKENS.bos, _SPECIAL_TOKENS.eos, _SPECIAL_TOKENS.unk
NUM_ADDED = 2  # <bos> and <eos> around each caption
WORD_BYTES = 64  # most bytes of a word in a file on average; those of English captions have 25


@checked
class CaptionTokenizer:
    """Word-level tokenizer on the ``tokenizers`` library; :func:`stgraph.text.normalise` defines what a word is.

    Ids: 0 ``<pad>``, 1 ``<bos>``, 2 ``<eos>``, 3 ``<unk>``, then words by falling count, equal counts in alphabetical order.

    Args:
        vocabulary: Id of each word, special tokens included.
        max_length: Captions are cut to this number of words; ``<eos>`` is kept.

    Raises:
        OptionError: If ``max_length`` is below 1.
        DataError: If ids are not 0..V-1, or the special tokens differ.

    Reference: our own design.

    >>> tokenizer = CaptionTokenizer.from_captions(["A dog runs.", "A cat sleeps."])
    >>> tokenizer.encode(["a cat runs", "a bird"])
    tensor([[1, 4, 5, 7, 2],
            [1, 4, 3, 2, 0]])
    >>> tokenizer.decode(tokenizer.encode(["a cat runs"]))
    ['a cat runs']
    """

    def __init__(self, vocabulary: Mapping[str, int], max_length: int = 20) -> None:
        if max_length < 1:
            raise OptionError(f"'max_length' must be at least 1, got {max_length}.")
        words = sorted(vocabulary, key=vocabulary.__getitem__)
        if [vocabulary[word] for word in words] != list(range(len(words))) or tuple(words[:4]) != SPECIAL:
            raise DataError(
                f"A vocabulary must number its words 0..{len(words) - 1}, starting with {SPECIAL}."
            )
        self.words, self.max_length = tuple(words), max_length
        # Not "added tokens" of the library, which it would find in the text of captions.
        self._tokenizer = Tokenizer(WordLevel(dict(vocabulary), unk_token=SPECIAL[UNK]))
        self._tokenizer.normalizer = caption_normaliser()
        self._tokenizer.pre_tokenizer = WhitespaceSplit()
        self._tokenizer.post_processor = TemplateProcessing(
            single="<bos> $A <eos>", special_tokens=[(SPECIAL[BOS], BOS), (SPECIAL[EOS], EOS)]
        )
        self._tokenizer.enable_truncation(max_length + NUM_ADDED)

    @classmethod
    def from_captions(
        cls,
        captions: Iterable[str],
        min_count: int = 1,
        max_length: int = 20,
        max_vocabulary: int | None = None,
    ) -> CaptionTokenizer:
        """Builds the vocabulary of training captions; words beyond ``max_length`` are not counted.

        Args:
            captions: All captions of the training videos.
            min_count: Rarer words become ``<unk>``; 1 for MSVD, 3 for MSR-VTT.
            max_length: Number of words of a caption that are kept.
            max_vocabulary: Largest number of words, special tokens apart; rarer ones become ``<unk>``. None keeps all.

        Raises:
            DataError: If a caption has no word, no word is frequent enough, or there are more words than
                ``Limits.max_tokens``.
            OptionError: If ``min_count``, ``max_length`` or ``max_vocabulary`` is below 1.
        """
        limits = {"min_count": min_count, "max_length": max_length, "max_vocabulary": max_vocabulary}
        for name, value in limits.items():
            if value is not None and value < 1:
                raise OptionError(f"'{name}' must be at least 1, got {value}.")
        words = (_words(caption, number)[:max_length] for number, caption in enumerate(captions))
        vocabulary = build_vocabulary(words, min_count, max_vocabulary)
        most = Limits.current().max_tokens
        if len(vocabulary) > most:
            raise DataError(
                f"The captions have {len(vocabulary)} tokens, above the limit of {most}; raise 'min_count', set "
                f"'max_vocabulary', or set the environment variable STGRAPH_MAX_TOKENS={len(vocabulary)}."
            )
        return cls(vocabulary, max_length)

    @property
    def vocab_size(self) -> int:
        """V, the size of the vocabulary, special tokens included."""
        return len(self.words)

    def __len__(self) -> int:
        return self.vocab_size

    @property
    def special_tokens(self) -> SpecialTokens:
        """Ids of padding, begin, end and unknown; :meth:`~stgraph.models.CaptioningModel.generate` takes them."""
        return _SPECIAL_TOKENS

    def encode(self, captions: Sequence[str]) -> Tensor:
        """Ids of the words between ``<bos>`` and ``<eos>``, padded with 0 at the end.

        Args:
            captions: Texts of B captions.

        Returns:
            Ids ``[B, L + 2]``, int64, with L the number of words of the longest caption after the cut.

        Raises:
            DataError: If a caption has no word; names its position and text.
            OptionError: If ``captions`` is one text.
        """
        if isinstance(captions, str):
            raise OptionError(f"'captions' must be a list of texts, got {captions[:40]!r}; put it in a list.")
        # One by one: batch encoding starts threads, after which the library warns about every forked worker.
        rows = [self._tokenizer.encode(caption).ids for caption in captions]
        for number, row in enumerate(rows):
            if len(row) == NUM_ADDED:
                _words(captions[number], number)  # raises
        width = max(map(len, rows), default=NUM_ADDED)
        padded = [row + [PAD] * (width - len(row)) for row in rows]
        return torch.tensor(padded, dtype=torch.int64).reshape(len(rows), width)

    def decode(self, ids: Tensor) -> list[str]:
        """Words up to the first ``<eos>``, without special tokens.

        Args:
            ids: ``[B, L]``.

        Raises:
            DataError: If an id is beyond the vocabulary.
            OptionError: If ``ids`` are not whole numbers.
            ShapeError: If ``ids`` has other axes.
        """
        check_shape("ids", ids, "B L")
        if ids.is_floating_point() or ids.is_complex():
            raise OptionError(
                f"'ids' must be whole numbers, got {described(ids)}; convert them with .long()."
            )
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < self.vocab_size:
            raise DataError(
                f"'ids' must lie in 0..{self.vocab_size - 1}, got {int(ids.min())} to {int(ids.max())}; they "
                "belong to another vocabulary."
            )
        return [self._sentence(row) for row in ids.tolist()]

    def save(self, path: str | Path) -> None:
        """Writes the library's ``tokenizer.json``; its truncation is ``max_length`` plus ``<bos>`` and ``<eos>``."""
        write_text(Path(path), self.to_json())

    def to_json(self) -> str:
        """The content of the file that :meth:`save` writes."""
        return self._tokenizer.to_str(pretty=True)

    @classmethod
    def load(cls, path: str | Path) -> CaptionTokenizer:
        """Reads a file that :meth:`save` wrote.

        Raises:
            MissingDataError: If there is no such file.
            DataError: If it has more words than ``Limits.max_tokens``.
            ModelFolderError: If the file is damaged or of another kind.
        """
        path = Path(path)
        if not os.path.lexists(path):
            raise MissingDataError(f"No tokenizer at {path}; it is saved with a trained model.")
        limits = Limits.current()
        if path.is_file():
            size = path.stat().st_size
            limits.check(
                "max_tokens", size / WORD_BYTES, path, f"its {size:,} bytes are those of", at_least=True
            )
        try:
            content = read_json(path)
            vocabulary, most = content["model"]["vocab"], content["truncation"]["max_length"]
            if not all(type(number) is int for number in [most, *vocabulary.values()]):
                raise TypeError("numbers must be integers")
            loaded = cls(vocabulary, most - NUM_ADDED)
            # Compared and never used: a pattern of someone else's may take for ever.
            rules = json.loads(cls(dict(zip(SPECIAL, range(len(SPECIAL)), strict=True)))._tokenizer.to_str())
            same_rule = all(content[name] == rules[name] for name in ("normalizer", "pre_tokenizer"))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ModelFolderError(
                f"{path} is not a tokenizer of stgraph ({error}); restore the folder."
            ) from error
        if not same_rule:
            raise ModelFolderError(
                f"{path} normalises captions by other rules; use the version of stgraph that wrote it."
            )
        limits.check("max_tokens", len(loaded), path, "it has")
        return loaded

    def __getstate__(self) -> dict[str, Any]:
        return {
            "vocabulary": {word: number for number, word in enumerate(self.words)},
            "max_length": self.max_length,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def _sentence(self, row: list[int]) -> str:
        end = row.index(EOS) if EOS in row else len(row)
        return " ".join(self.words[number] for number in row[:end] if number >= len(SPECIAL))


def _words(caption: str, number: int) -> list[str]:
    words = normalise(caption).split()
    if not words:
        raise DataError(
            f"Caption {number} has no word left without its punctuation: {caption[:40]!r}; drop it."
        )
    return words
