"""The commands that are killed, and what must be equal to the bit afterwards."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.kill.inputs import SMALL
from stgraph.features.store import FeatureStore

IMPORT = ("--layout", "npy", "--appearance", ".", "--extractor", "appearance=made-up")
EXTRACT = (
    "appearance=own",
    "appearance.name=benchmarks.kill.extractor.MeanColours",
    "motion=none",
    "objects=none",
    "videos_per_shard=2",
)
ROWS = ("rows=[scene_branch_only,dense_graph]", "seeds=1", "jobs=1", "patience=null", "trainer.max_epochs=1")


@dataclass(frozen=True)
class Command:
    """One command of the bench.

    Args:
        arguments: Arguments of ``stgraph``; ``{in}`` is the folder of inputs, and the command runs in an empty folder.
        results: What must be equal: relative paths with the function that reads them.
        share: Part of all kills that it gets.
        copies: Inputs that it writes to, copied into its folder.
        cache: Whether it finds generated data in its cache.
        resumes: Whether a run that has a checkpoint continues by ``resume=true``.
        whole: Text of the refusal that says that the result is there already.
    """

    arguments: tuple[str, ...]
    results: dict[str, Callable[[Path], str]]
    share: float
    copies: tuple[str, ...] = ()
    cache: bool = False
    resumes: bool = False
    whole: str = ""

    def again(self, folder: Path) -> tuple[str, ...]:
        """The arguments that continue it."""
        more = self.resumes and (folder / "run" / "checkpoints" / "last.ckpt").is_file()
        return (*self.arguments, "resume=true") if more else self.arguments

    def digest(self, folder: Path) -> dict[str, str]:
        """A hash of each result; "missing" where there is none."""
        found = {}
        for name, read in self.results.items():
            for path in sorted(folder.glob(name)) or [folder / name]:
                try:
                    found[str(path.relative_to(folder))] = read(path) if path.exists() else "missing"
                except Exception as error:  # noqa: BLE001  whatever it is, the result is lost
                    found[name] = f"{type(error).__name__}: {error}"
        return found


def store_arrays(path: Path) -> str:
    """Hash of ids, header and all arrays of a store, however its videos are spread over files."""
    store = FeatureStore(path)
    digest = hashlib.sha256(repr((store.ids, sorted(store.extractors.items()), store.label_names)).encode())
    for name in store.ids:
        video = store[name]
        parts = [video.appearance, video.motion, video.frame_index, video.frame_time]
        if video.detections is not None:
            parts += [video.detections.boxes, video.detections.features, video.detections.scores]
        for part in parts:
            digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def all_bytes(path: Path) -> str:
    """Hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def archive(path: Path) -> str:
    """Hash of the arrays of an ``.npz`` file."""
    with np.load(path) as arrays:
        return hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()


def evaluation(path: Path) -> str:
    """Hash of an evaluation, without the commit, which may change while the bench runs."""
    content = json.loads(path.read_text())
    return hashlib.sha256(json.dumps({**content, "commit": None}).encode()).hexdigest()


def scores(path: Path) -> str:
    """Scores and hashes of a cell."""
    cell = json.loads(path.read_text())
    names = ("settings_hash", "data_hash", "scores", "chosen", "epoch", "epochs", "videos")
    return hashlib.sha256(json.dumps([cell[name] for name in names]).encode()).hexdigest()


MODEL = {f"run/{name}": all_bytes for name in ("model.safetensors", "config.json", "tokenizer.json")}
CACHE = "cache/interactions/tiny-seed0-v1"
COMMANDS = {
    "extract": Command(
        ("extract", "{in}/videos", "x.h5", *EXTRACT, "threads=2"), {"x.h5": store_arrays}, share=0.25
    ),
    "extract, Ray": Command(
        ("extract", "{in}/videos", "x.h5", *EXTRACT, "engine=ray", "ray.readers=1"),
        {"x.h5": store_arrays},
        share=0.01,
    ),
    "store import": Command(
        ("store", "import", "{in}/npy", "i.h5", *IMPORT),
        {"i.h5": store_arrays},
        share=0.12,
        whole="A store already exists",
    ),
    "store import, folder": Command(
        ("store", "import", "{in}/npy", "i", *IMPORT),
        {"i": store_arrays},
        share=0.12,
        whole="A store already exists",
    ),
    "store merge": Command(
        ("store", "merge", "m.h5", "{in}/a.h5", "{in}/b.h5"),
        {"m.h5": store_arrays},
        share=0.29,
        whole="already exists",
    ),
    "train": Command(
        ("train", "data=interactions_tiny", *SMALL, "trainer.max_epochs=3", "resume_every=1", "run=run"),
        MODEL,
        share=0.11,
        cache=True,
        resumes=True,
    ),
    "train, data": Command(
        (
            *(
                "train",
                "data=interactions_tiny",
                *SMALL,
                "trainer.max_epochs=1",
                "+trainer.limit_train_batches=1",
            ),
            "run=run",
        ),
        {
            **MODEL,
            f"{CACHE}/store.h5": store_arrays,
            f"{CACHE}/captions.json": all_bytes,
            f"{CACHE}/truth.npz": archive,
        },
        share=0.04,
        resumes=True,
    ),
    "evaluate": Command(
        ("evaluate", "trained", "split=test"),
        {"trained/evaluation-test-scene.json": evaluation},
        share=0.03,
        copies=("trained",),
        cache=True,
    ),
    "ablate": Command(
        ("ablate", "table=stgkd", "data=interactions_tiny", *SMALL, *ROWS, "results=results", "runs=runs"),
        {"results/stgkd/*/0.json": scores},
        share=0.015,
        cache=True,
    ),
}


def prepare(command: Command, inputs: Path, folder: Path) -> None:
    """Makes the folder that a command runs in."""
    for name in ("tmp", "work"):
        (folder / name).mkdir(parents=True)
    for name in command.copies:
        shutil.copytree(inputs / name, folder / "work" / name)
    if command.cache:
        shutil.copytree(inputs / "tiny", folder / "work" / "cache" / "interactions")
