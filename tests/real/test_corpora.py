"""MSVD and MSR-VTT as they are: counts, vocabulary, and tokenisation of every caption."""

import pytest
import torch

from stgraph.datasets import corpus_summary, read_msrvtt_captions, read_msvd_captions
from stgraph.text import CaptionTokenizer, normalise


@pytest.fixture(scope="module")
def msvd(real_data):
    folder = real_data / "corpora" / "msvd"
    return read_msvd_captions(folder / "captions.json", folder)


@pytest.fixture(scope="module")
def msrvtt(real_data):
    folder = real_data / "corpora" / "msrvtt"
    return read_msrvtt_captions({"val": folder / "val.json", "test": folder / "test.json"})


def test_msvd_is_as_published(msvd):
    summary = corpus_summary(msvd)
    assert summary.differences("msvd") == []
    assert (summary.total.videos, summary.total.captions) == (1970, 80827)
    assert {name: (row.videos, row.captions) for name, row in summary.splits.items()} == {
        "train": (1200, 48774),
        "val": (100, 4290),
        "test": (670, 27763),
    }
    assert summary.splits["train"].words < summary.total.words


def test_msrvtt_is_as_published_where_there_are_captions(msrvtt):
    summary = corpus_summary(msrvtt)
    assert {name: (row.videos, row.captions) for name, row in summary.splits.items()} == {
        "val": (497, 9940),
        "test": (2990, 59800),
    }
    assert {len(msrvtt.captions(video)) for video in msrvtt.ids()} == {20}
    assert summary.differences("msrvtt") == [
        "train: 0 videos, published 6,513",
        "train: 0 captions, published 130,260",
    ]


def test_same_msvd_as_a_list_of_lines(msvd, real_data, tmp_path):
    lines = [f"{video} {caption}" for video in msvd.ids() for caption in msvd.captions(video)]
    (tmp_path / "AllVideoDescriptions.txt").write_text("\n".join(lines), encoding="utf-8")
    again = read_msvd_captions(tmp_path / "AllVideoDescriptions.txt", real_data / "corpora" / "msvd")
    assert {video: again[video] for video in again.ids()} == {video: msvd[video] for video in msvd.ids()}


@pytest.mark.parametrize(("name", "split", "min_count"), [("msvd", "train", 1), ("msrvtt", "val", 3)])
def test_every_caption_becomes_words_and_back(name, split, min_count, request):
    """The vocabulary is built from one split, and every caption of the corpus goes through it."""
    corpus = request.getfixturevalue(name)
    seen = [caption for captions in corpus.references(split).values() for caption in captions]
    captions = [caption for video in corpus.ids() for caption in corpus.captions(video)]
    longest = corpus_summary(corpus).total.longest
    tokenizer = CaptionTokenizer.from_captions(seen, min_count=min_count, max_words=longest)
    numbers = tokenizer.encode(captions)
    unknown = tokenizer.encode(["qqqq"])[0, 1]
    words = [normalise(caption).split() for caption in captions]
    assert torch.equal((numbers > 2).sum(1), torch.tensor([len(caption) for caption in words]))
    known = [number for number, row in enumerate((numbers != unknown).all(1)) if row]
    assert len(known) > len(captions) / 2
    decoded = tokenizer.decode(numbers[known])
    assert decoded == [" ".join(words[number]) for number in known]
