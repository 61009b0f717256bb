"""Hashes of the captions of public corpora, by which a copy is recognised whatever its file layout."""

from __future__ import annotations

import hashlib

from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.numbering import video_numbers

__all__ = ["KNOWN", "caption_fingerprints"]

KNOWN = {
    "msvd": {"train": "957c79c31093031f", "val": "c5477c68b715c1e6", "test": "9d088790c36ed01c"},
    "msrvtt": {"train": "5d884bbb38e15d6b", "val": "7cb0ba058613ffe0", "test": "b0bf73580af23b02"},
}
"""Fingerprints by corpus and split.

MSVD: the 80,827 English captions of the official 1,970 videos, in a public JSON copy that agrees with the published counts.
MSR-VTT: a public copy of all 200,000 captions with the official splits; val and test are the same in a second, independent
copy.
"""


def caption_fingerprints(corpus: CaptionCorpus, name: str) -> dict[str, str]:
    """Computes the fingerprint of each split of a corpus.

    Case, punctuation and spaces of captions don't count, nor does their order, nor by which of its two names MSVD calls a
    video.

    Args:
        corpus: The corpus.
        name: "msvd" or "msrvtt".

    Returns:
        The first 16 digits of a SHA-256 hash by split. Videos without an official number are left out.
    """
    numbers = video_numbers(corpus.ids(), name)
    found = {}
    for split in corpus.splits:
        digest = hashlib.sha256()
        for number, video in sorted(
            (numbers[video], video) for video in corpus.ids(split) if video in numbers
        ):
            digest.update(f"{number} {' '.join(sorted(map(_canonical, corpus.captions(video))))}\n".encode())
        found[split] = digest.hexdigest()[:16]
    return found


def _canonical(caption: str) -> str:
    return "".join(character for character in caption.casefold() if character.isalnum())
