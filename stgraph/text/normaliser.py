"""Normalisation of captions."""

from __future__ import annotations

from tokenizers import Regex, normalizers

from stgraph.checking import checked

__all__ = ["caption_normaliser", "normalise"]


def caption_normaliser() -> normalizers.Normalizer:
    """Lower case, no punctuation, one space between words.

    Apostrophes are removed ("don't" becomes "dont"), as in the usual clean-up of MSVD and MSR-VTT; all other signs, hyphens
    too, become a space ("close-up" becomes "close up"), so that "stove/oven" and "end.then" are two words each. Accented
    letters and digits of any script are kept.
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


@checked
def normalise(caption: str) -> str:
    r"""Normalises a caption as the tokenizer does.

    >>> normalise('  A man doesn\'t\n play the "ping-pong"!')
    'a man doesnt play the ping pong'
    """
    return _NORMALISER.normalize_str(caption)
