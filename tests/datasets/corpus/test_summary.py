import pytest

from stgraph.datasets import CaptionCorpus, VideoCaptions, corpus_summary
from stgraph.datasets.corpus.summary import PUBLISHED
from stgraph.errors import OptionError


def test_counts_by_hand():
    corpus = CaptionCorpus(
        {
            "v1": VideoCaptions("train", ("A dog runs.", "the dog doesn't run")),
            "v2": VideoCaptions("train", ("a cat",)),
            "v3": VideoCaptions("test", ("a close-up of a cat",)),
        }
    )
    summary = corpus_summary(corpus)
    # train: a dog runs the doesnt run cat; test: a close up of cat
    assert vars(summary.splits["train"]) == {"videos": 2, "captions": 3, "words": 7, "longest": 4}
    assert vars(summary.splits["test"]) == {"videos": 1, "captions": 1, "words": 5, "longest": 6}
    assert vars(summary.total) == {"videos": 3, "captions": 4, "words": 10, "longest": 6}
    assert str(summary).splitlines()[-1].split() == ["all", "3", "4", "10", "6"]


def shaped(name, **changes):
    """A corpus of a published shape: one word, as many captions as it has."""
    videos = {}
    for split, (count, captions) in PUBLISHED[name].items():
        count, captions = changes.get(split, (count, captions))
        for number in range(count):
            own = captions // count + (number < captions % count)
            videos[f"{split}{number}"] = VideoCaptions(split, ("word",) * own)
    return CaptionCorpus(videos)


def test_published_counts():
    assert corpus_summary(shaped("msvd")).differences("msvd") == []
    assert corpus_summary(shaped("msvd", test=(669, 27763))).differences("msvd") == [
        "test: 669 videos, published 670"
    ]
    assert corpus_summary(shaped("msvd", train=(1, 2), val=(0, 0))).differences("msvd") == [
        "train: 1 videos, published 1,200",
        "train: 2 captions, published 48,774",
        "val: 0 videos, published 100",
        "val: 0 captions, published 4,290",
    ]
    with pytest.raises(OptionError, match="not for 'coco'"):
        corpus_summary(shaped("msvd", train=(1, 1))).differences("coco")
