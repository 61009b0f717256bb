"""Files of splits and of names: what is accepted stands in the file, and is the same when it is written again."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from stgraph.datasets.corpus.renaming import read_names
from stgraph.datasets.corpus.split_files import read_splits
from stgraph.video.ids import check_id
from tests.fuzz.mutations import mutate_text
from tests.fuzz.target import Silent, Target
from tests.fuzz.targets.texts import Held

IDS = ("v1", "v2.mp4", "video3", "sub/v4", "-4wsuPCjDBc_5_15", "é5", "v7", "v8")
BY_SPLIT = {"train": IDS[:4], "val": IDS[4:6], "test": IDS[6:]}
BY_ID = {video: split for split, ids in BY_SPLIT.items() for video in ids}


class Splits(Target):
    """A seed's name begins with what it is: a file of all splits, a list of one split, or names."""

    name = "splits"

    def prepare(self) -> dict[str, bytes]:
        videos = [{"video_id": video, "split": split} for video, split in BY_ID.items()]
        found = {
            "file-by-split.json": BY_SPLIT,
            "file-by-id.json": BY_ID,
            "file-videodatainfo.json": {"videos": videos, "sentences": []},
            "list-train.json": IDS,
        }
        seeds = {name: json.dumps(value, indent=1).encode() for name, value in found.items()}
        for name, sign in (("comma.csv", ","), ("tab.tsv", "\t"), ("semicolon.csv", ";")):
            lines = [sign.join(("video_id", "Split")), *(sign.join(row) for row in BY_ID.items())]
            seeds[f"file-{name}"] = "\n".join(lines).encode()
        seeds["list-train.txt"] = "\n".join(IDS).encode()
        seeds["names-mapping.txt"] = "\n".join(f"{video} vid{k}" for k, video in enumerate(IDS)).encode()
        return seeds

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        return mutate_text(draw, content, others)

    def check(self, seed: str, path: Path) -> None:
        if seed.startswith("names"):
            pairs = read_names(path)
            held = Held(path.read_bytes())
            names = [name for pair in pairs for name in pair]
            if len(set(names)) < len(names) - sum(first == second for first, second in pairs):
                raise Silent("a name belongs to two videos")
            for name in names:
                if not held.has_id(check_id(name)):
                    raise Silent(f"the name {name!r} is not in the file")
            return
        if seed.startswith("list"):
            folder = path.with_name("lists")
            folder.mkdir()
            (folder / f"train{path.suffix}").write_bytes(path.read_bytes())
            found = read_splits({"train": path, "val": ["another"]})
            if read_splits(folder) != {video: split for video, split in found.items() if video != "another"}:
                raise Silent("a list is read in another way in a folder")
            del found["another"]
        else:
            found = read_splits(path)
        held = Held(path.read_bytes())
        for video, split in found.items():
            if split not in ("train", "val", "test"):
                raise Silent(f"{video!r} has the split {split!r}")
            if not held.has_id(check_id(video)):
                raise Silent(f"the id {video!r} is not in the file")
        again = path.with_name("again.json")
        again.write_text(json.dumps(found))
        if found and read_splits(again) != found:
            raise Silent("the splits are others when they are written and read again")


TARGET = Splits
