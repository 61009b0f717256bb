"""How a caption becomes plain words."""

from __future__ import annotations

from tokenizers import Regex, normalizers

__all__ = ["caption_normaliser", "normalise"]


def caption_normaliser() -> normalizers.Normalizer:
    """Lower case, no punctuation, one space between words.

    Apostrophes go without a trace ("don't" is "dont"), as in the usual clean-up of MSVD and MSR-VTT; all
    other signs, hyphens too, become a space ("close-up" is "close up"), so that "stove/oven" and "end.then"
    are two words each. Letters with accents and digits of any script stay.
    """
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"['’‘`´ʼ]"), ""),
            normalizers.Replace(Regex(r"[^\p{L}\p{M}\p{N}]+"), " "),
            normalizers.Strip(),
        ]
    )


_NORMALISER = caption_normaliser()


def normalise(caption: str) -> str:
    r"""A caption as the tokenizer sees it.

    >>> normalise('  A man doesn\'t\n play the "ping-pong"!')
    'a man doesnt play the ping pong'
    """
    return _NORMALISER.normalize_str(caption)
