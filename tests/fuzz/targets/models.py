"""Model folders: what is accepted is finite, captions videos, and is the same when it is saved and loaded again."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from stgraph import CaptionPipeline
from stgraph.features import FeatureStore
from tests.fuzz.mutations import mutate_text, mutate_tree
from tests.fuzz.target import Silent, Target

LEGACY = Path(__file__).parents[2] / "legacy"
SYSTEMS = ("stgkd", "stat", "stats", "stgkd_joint")
FILES = ("config.json", "tokenizer.json", "model.safetensors")


class Models(Target):
    """A seed is a file of a folder of ``tests/legacy``, which is of version 1 or, saved again, of the present one."""

    name = "models"

    def prepare(self) -> dict[str, bytes]:
        seeds = {}
        for system in SYSTEMS:
            again = self.folder / f"{system}2"
            CaptionPipeline.from_pretrained(LEGACY / system).save_pretrained(again)
            shutil.copytree(LEGACY / system, self.folder / system)
            for name in FILES:
                seeds[f"{system}2-{name}"] = (again / name).read_bytes()
            seeds[f"{system}-config.json"] = (LEGACY / system / "config.json").read_bytes()
        return seeds

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        if seed.endswith(".json"):
            return mutate_text(draw, content, others)
        if draw.random() < 0.5:
            return _mutate_header(draw, content)
        return super().mutate(draw, seed, content, others)

    def check(self, seed: str, path: Path) -> None:
        system, _, name = seed.partition("-")
        folder = path.with_name("model")
        shutil.copytree(self.folder / system, folder, ignore=shutil.ignore_patterns(name, "*.json.md"))
        path.rename(folder / name)
        pipeline = CaptionPipeline.from_pretrained(folder)
        for key, value in pipeline.model.state_dict().items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                raise Silent(f"the weights '{key}' are not finite")
        pipeline.save_pretrained(folder.with_name("again"))
        again = CaptionPipeline.from_pretrained(folder.with_name("again"))
        if again.config.model_dump(exclude={"stgraph"}) != pipeline.config.model_dump(exclude={"stgraph"}):
            raise Silent("the configuration is another one after it was saved and loaded again")
        if again.tokenizer.words != pipeline.tokenizer.words:
            raise Silent("the words are others after they were saved and loaded again")
        state = pipeline.model.state_dict()
        if not all(torch.equal(value, state[key]) for key, value in again.model.state_dict().items()):
            raise Silent("the weights are others after they were saved and loaded again")
        store = FeatureStore(LEGACY / "store.h5")
        for caption in pipeline.caption_store(store, [store.ids[0]], pipeline.model.branches[0]):
            if not set(caption.text.split()) <= set(pipeline.tokenizer.words):
                raise Silent(f"the caption {caption.text!r} has words of another vocabulary")


def _mutate_header(draw: random.Random, content: bytes) -> bytes:
    """Changes the JSON of a safetensors file's header, or the length that the file says it has."""
    length = int.from_bytes(content[:8], "little")
    header, values = content[8 : 8 + length], content[8 + length :]
    kind = draw.randrange(4)
    if kind == 0:
        header = mutate_text(draw, header)
    elif kind == 1:
        tree = json.loads(header)
        name = draw.choice(sorted(tree.keys() - {"__metadata__"}))
        entry = tree[name]
        match draw.randrange(5):
            case 0:
                entry["dtype"] = draw.choice(
                    ("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "C64", "F8_E4M3", "F4")
                )
            case 1:
                entry["shape"] = [*entry["shape"], 1]
            case 2:
                entry["shape"] = entry["shape"][::-1]
            case 3:
                entry["data_offsets"] = tree[draw.choice(sorted(tree.keys() - {"__metadata__"}))][
                    "data_offsets"
                ]
            case 4:
                tree[draw.choice(("x", "\x1b[2J", f"{name}.x"))] = tree.pop(name)
        header = json.dumps(tree).encode()
    elif kind == 2:
        header = json.dumps(mutate_tree(draw, json.loads(header))).encode(errors="surrogatepass")
    else:
        special = draw.choice(
            (b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\xff\xff\x7f\x7f", b"\x00\x00\x80\xff")
        )
        place = draw.randrange(len(values) // 4) * 4
        values = values[:place] + special + values[place + 4 :]
    length = (
        len(header)
        if draw.random() < 0.9
        else draw.choice((0, 2**63, 2**64 - 1, len(header) + 1, len(content)))
    )
    return length.to_bytes(8, "little") + header + values


TARGET = Models
