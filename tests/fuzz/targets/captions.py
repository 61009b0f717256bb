"""Files of captions in all layouts: what is accepted stands in the file, is saved and read again, and can be tokenized."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.datasets.corpus.caption_files import join_splits
from stgraph.datasets.corpus.caption_layouts import LAYOUTS
from stgraph.datasets.corpus.msrvtt import read_msrvtt_captions
from stgraph.datasets.corpus.msvd import read_msvd_captions
from stgraph.datasets.corpus.own_captions import read_own_captions
from stgraph.text import CaptionTokenizer, normalise
from tests.fuzz.mutations import mutate_text
from tests.fuzz.target import Silent, Target
from tests.fuzz.targets.texts import Held

SENTENCES = (
    "a dog runs",
    'A man, in a hat, plays "the" guitar.',
    "ein Hörnchen frißt",
    "two cats",
    "女の子が走る",
)
IDS = ("v1", "v2.mp4", "video3", "sub/v4", "-4wsuPCjDBc_5_15", "é5")
SPLITS = ("train", "val", "test", "validation", "train", "train")


class Captions(Target):
    """A seed's name begins with the reader: own, msvd, msrvtt or corpus."""

    name = "captions"

    def prepare(self) -> dict[str, bytes]:
        every = [
            (video, split, SENTENCES[: 1 + k % 4])
            for k, (video, split) in enumerate(zip(IDS, SPLITS, strict=True))
        ]
        rows = [(video, split, caption) for video, split, captions in every for caption in captions]
        found: dict[str, object] = {
            f"own-layout{number}.json": json.loads(layout.example) for number, layout in enumerate(LAYOUTS)
        }
        found["own-entries.json"] = [
            {"video_id": video, "captions": list(captions), "split": split, "category": 3}
            for video, split, captions in every
        ]
        found["own-vatex.json"] = [
            {"videoID": video, "enCap": list(captions), "chCap": ["x"]} for video, _, captions in every
        ]
        found["own-by-id.json"] = {video: list(captions) for video, _, captions in every}
        found["own-activitynet.json"] = {
            video: {"duration": 9.5, "timestamps": [[0, 4.5]] * len(captions), "sentences": list(captions)}
            for video, _, captions in every
        }
        found["own-coco.json"] = found_coco = {
            "images": [{"id": k, "file_name": f"{video}"} for k, (video, *_) in enumerate(every)],
            "annotations": [
                {"id": 9 * k, "image_id": k, "caption": caption}
                for k, (*_, captions) in enumerate(every)
                for caption in captions
            ],
        }
        found["msvd-coco.json"] = found_coco
        found["msvd-by-id.json"] = found["own-by-id.json"]
        found["msrvtt-videodatainfo.json"] = {
            "info": {"year": 2016},
            "videos": [
                {"video_id": video, "split": split, "category": k % 3, "id": k}
                for k, (video, split, _) in enumerate(every)
            ],
            "sentences": [
                {"caption": text, "video_id": video, "sen_id": k} for k, (video, _, text) in enumerate(rows)
            ],
        }
        found["own-videodatainfo.json"] = found["msrvtt-videodatainfo.json"]
        found["msrvtt-nested.json"] = {
            video: {str(k): caption for k, caption in enumerate(captions)} for video, _, captions in every
        }
        found["corpus-captions.json"] = {
            f"v{k}": {"split": SPLITS[k % 3], "category": "pets", "captions": list(captions)}
            for k, (*_, captions) in enumerate(every)
        }
        seeds = {name: json.dumps(value, indent=1).encode() for name, value in found.items()}
        seeds["own-lines.jsonl"] = "\n".join(
            json.dumps({"id": video, "caption": text, "split": split}) for video, split, text in rows
        ).encode()
        quoted = [(video, split, '"' + text.replace('"', '""') + '"') for video, split, text in rows]
        for name, sign in (("comma.csv", ","), ("semicolon.csv", ";"), ("tab.tsv", "\t")):
            lines = [
                sign.join(("id", "split", "caption", "category")),
                *(sign.join((*row, "pets")) for row in quoted),
            ]
            seeds[f"own-{name}"] = "\r\n".join(lines).encode()
        seeds["own-utf16.tsv"] = seeds["own-tab.tsv"].decode().encode("utf-16")
        seeds["msvd-lines.txt"] = (
            "# AllVideoDescriptions\n\n" + "\n".join(f"{v} {c}" for v, _, c in rows)
        ).encode()
        header = "VideoID,Start,End,WorkerID,Source,AnnotationTime,Language,Description"
        seeds["msvd-corpus.csv"] = "\n".join(
            [
                header,
                *(
                    f"mv89psg6zh4,{k},4{k},588702,clean,55,English,{text}"
                    for k, (*_, text) in enumerate(quoted)
                ),
            ]
        ).encode()
        return seeds

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        if "utf16" not in seed:
            return mutate_text(draw, content, others)
        if draw.random() < 0.5:
            return super().mutate(draw, seed, content, others)
        return (
            mutate_text(draw, content.decode("utf-16").encode(), others)
            .decode(errors="replace")
            .encode("utf-16", errors="surrogatepass")
        )

    def check(self, seed: str, path: Path) -> None:
        reader = seed.partition("-")[0]
        if reader == "own":
            own = read_own_captions(path)
            splits = own.splits or dict.fromkeys(own.captions, "train")
            corpus = join_splits(own.captions, splits, common=True, categories=own.categories)
            kept = {text for texts in own.captions.values() for text in texts if normalise(text)}
            if kept != {text for video in corpus.ids() for text in corpus.captions(video)}:
                raise Silent("captions were lost when they were joined with their splits")
        elif reader == "corpus":
            corpus = CaptionCorpus.load(path)
        else:
            ids = [f"mv89psg6zh4_{k}_4{k}" for k in range(14)]
            splits = {"train": [*IDS[:3], *ids[:4]], "val": [IDS[3], *ids[4:9]], "test": [*IDS[4:], *ids[9:]]}
            read = read_msvd_captions if reader == "msvd" else read_msrvtt_captions
            corpus = read(path, splits, common=True)
        check_corpus(
            corpus, Held(path.read_bytes()), path.with_name("again.json"), joined_ids="msvd-corpus" in seed
        )


def check_corpus(corpus: CaptionCorpus, held: Held, again: Path, *, joined_ids: bool = False) -> None:
    """Checks that a corpus holds what stands in the file, is saved and read again, and can be tokenized."""
    for video_id in corpus.ids():
        video: VideoCaptions = corpus[video_id]
        if not joined_ids and not held.has_id(video_id):
            raise Silent(f"the id {video_id!r} is not in the file")
        for caption in video.captions:
            if not held.has(caption):
                raise Silent(f"the caption {caption!r} of {video_id!r} is not in the file")
        if video.category is not None and not held.has(video.category):
            raise Silent(f"the category {video.category!r} of {video_id!r} is not in the file")
    corpus.save(again)
    read = CaptionCorpus.load(again)
    if {each: read[each] for each in read.ids()} != {each: corpus[each] for each in corpus.ids()}:
        raise Silent("the corpus is another one after it was saved and read again")
    texts = [text for video_id in corpus.ids() for text in corpus.captions(video_id)]
    tokenizer = CaptionTokenizer.from_captions(texts)
    tokenizer.decode(tokenizer.encode(texts))
    tokenizer.save(again.with_name("tokenizer.json"))
    if CaptionTokenizer.load(again.with_name("tokenizer.json")).words != tokenizer.words:
        raise Silent("the tokenizer is another one after it was saved and read again")


TARGET = Captions
