"""MSVD and MSR-VTT as they are: counts, vocabulary, tokenisation and scores of all of it; and by their names."""

import json
import random
import warnings

import pytest
import torch

from stgraph.datasets import corpus_summary, open_dataset, read_msrvtt_captions, read_msvd_captions
from stgraph.datasets.corpus.fingerprints import KNOWN, caption_fingerprints
from stgraph.datasets.corpus.official_splits import msrvtt_splits
from stgraph.features import ExtractorRecord, FeatureStoreWriter, VideoFeatures
from stgraph.metrics import METRICS, CaptionEvaluator
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
    tokenizer = CaptionTokenizer.from_captions(seen, min_count=min_count, max_length=longest)
    numbers = tokenizer.encode(captions)
    unknown = tokenizer.encode(["qqqq"])[0, 1]
    words = [normalise(caption).split() for caption in captions]
    assert torch.equal((numbers > 2).sum(1), torch.tensor([len(caption) for caption in words]))
    known = [number for number, row in enumerate((numbers != unknown).all(1)) if row]
    assert len(known) > len(captions) / 2
    decoded = tokenizer.decode(numbers[known])
    assert decoded == [" ".join(words[number]) for number in known]


def made_up_store(path, ids):
    """One frame of two random numbers for each video."""
    draw = torch.Generator().manual_seed(0)
    one = torch.zeros(1)
    with FeatureStoreWriter(path, extractors={"appearance": ExtractorRecord("random", "none", {})}) as writer:
        for name in ids:
            appearance = torch.randn(1, 2, generator=draw)
            writer.add(VideoFeatures(name, (240, 320), one.long(), one, appearance=appearance))
    return str(path)


def entries(corpus):
    return {video: corpus[video] for video in corpus.ids()}


def test_msvd_by_its_name(msvd, real_data, tmp_path):
    """With the lists, by the order of the names, and with features under the names vid1 to vid1970: the same corpus."""
    folder, ids = real_data / "corpora" / "msvd", msvd.ids()
    captions = str(folder / "captions.json")
    store = made_up_store(tmp_path / "store.h5", ids)
    numbers = {name: f"vid{number}" for number, name in enumerate(sorted(ids), start=1)}
    numbered = made_up_store(tmp_path / "numbered.h5", numbers.values())
    (tmp_path / "youtube_mapping.txt").write_text("".join(f"{a} {b}\n" for a, b in numbers.items()))
    (tmp_path / "numbered.json").write_text(json.dumps({numbers[name]: msvd.captions(name) for name in ids}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is left out, and all is as published
        dataset = open_dataset("msvd", store=store, captions=captions, splits=str(folder))
        assert (entries(dataset.corpus), dataset.uncaptioned) == (entries(msvd), ())
        assert entries(open_dataset("msvd", store=store, captions=captions).corpus) == entries(msvd)
        names = str(tmp_path / "youtube_mapping.txt")
        renamed = open_dataset("msvd", store=numbered, captions=captions, names=names).corpus
        by_number = open_dataset("msvd", store=numbered, captions=str(tmp_path / "numbered.json")).corpus
    assert entries(renamed) == {numbers[name]: msvd[name] for name in ids}
    assert entries(by_number) == entries(renamed)


def test_msrvtt_by_its_name(msrvtt, real_data, tmp_path):
    folder, ids = real_data / "corpora" / "msrvtt", msrvtt.ids()
    paths = {"val": str(folder / "val.json"), "test": str(folder / "test.json")}
    store = made_up_store(tmp_path / "store.h5", [*ids, "video0"])
    with pytest.warns(
        UserWarning, match="train: 0 videos, published 6,513; train: 0 captions, published 130,260"
    ):
        dataset = open_dataset("msrvtt", store=store, captions=paths)
    assert (entries(dataset.corpus), dataset.uncaptioned) == (entries(msrvtt), ("video0",))
    assert msrvtt_splits(ids) == {video: msrvtt[video].split for video in ids}


def test_videos_of_a_folder(real_data, tmp_path):
    captions = real_data / "features" / "vrd" / "captions.json"
    ids = sorted(json.loads(captions.read_text()))
    store = made_up_store(tmp_path / "vrd.h5", ids)
    drawn = [
        open_dataset(
            "folder", store=store, captions=str(captions), val_share=0, test_share=0.2, seed=seed
        ).corpus
        for seed in range(5)
    ]
    assert {len(corpus) for corpus in drawn} == {347}
    assert all(50 <= len(corpus.ids("test")) <= 90 for corpus in drawn)  # three standard deviations about 69
    assert len({tuple(corpus.ids("test")) for corpus in drawn}) == 5


def test_scores_of_the_whole_test_split_repeat(msvd):
    """One of each video's sentences against all of them; then each against those of the next video."""
    draw = random.Random(0)
    captions, references = {}, {}
    for video, sentences in msvd.references("test").items():
        captions[video] = sentences[draw.randrange(len(sentences))]
        references[video] = sentences
    assert (len(references), sum(map(len, references.values()))) == (670, 27763)
    evaluate = CaptionEvaluator(references)
    scores = [evaluate(captions) for _ in range(2)]
    assert scores[0] == scores[1]
    assert {len(scores[0].per_video[metric]) for metric in METRICS} == {670}
    assert scores[0]["BLEU-1"] == pytest.approx(1)  # each caption is one of its references
    shuffled = dict(
        zip(captions, [*list(captions.values())[1:], captions[next(iter(captions))]], strict=True)
    )
    worse = evaluate(shuffled)
    assert all(worse[metric] < scores[0][metric] for metric in METRICS)


def test_real_captions_have_the_known_fingerprints(real_data):
    """Those of MSR-VTT's validation and test captions are of a copy other than this one."""
    msvd = read_msvd_captions(real_data / "corpora" / "msvd" / "captions.json")
    assert caption_fingerprints(msvd, "msvd") == KNOWN["msvd"]
    files = {split: real_data / "corpora" / "msrvtt" / f"{split}.json" for split in ("val", "test")}
    found = caption_fingerprints(read_msrvtt_captions(files), "msrvtt")
    assert found == {split: KNOWN["msrvtt"][split] for split in ("val", "test")}
