"""Two runs, one question: is A better than B? Evaluate both, compare them, and read what the figures mean.

    python docs/scripts/compare_two_runs.py --out runs/compare_tutorial [--data FOLDER]

Three small runs of the scene branch on 80 generated videos: A; B, trained for a quarter of the time; and A again with
another seed. With ``--data`` the videos are real: FOLDER contains ``features/vrd`` with ``resnet152/ID.npy``,
``conv3d/ID.npy`` and ``captions.json``.

Every step is a function below. `stgraph evaluate RUN` and `stgraph compare RUN_A RUN_B` do the same from the command
line.
"""

from __future__ import annotations

import argparse
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import lightning
from torch.optim import Adam

from stgraph import CaptionDataModule, CaptionPipeline, STGraphCaptioner, VideoGraphBuilder, train_captioner
from stgraph.datasets import open_dataset
from stgraph.features.importers import read_npy_folders
from stgraph.features.store import ExtractorRecord, FeatureStoreWriter
from stgraph.metrics import Evaluation, PairedDifference, bootstrap_intervals, paired_bootstrap
from stgraph.training import cosine_with_warmup, run_record

LOADING = {"cache": True, "batch_size": 32, "captions_per_epoch": 4}
EPOCHS = {"a": 12, "b": 3}


def generated_videos(seed: int) -> CaptionDataModule:
    """Without ``--data``: 80 generated videos. ``seed`` is that of the batch order."""
    dataset = open_dataset("interactions", size="tiny", seed=0)
    builder = VideoGraphBuilder(max_objects=5, score_threshold=0.5)
    return CaptionDataModule.from_dataset(dataset, builder=builder, seed=seed, **LOADING)


def import_real_videos(folder: Path, store: Path) -> None:
    """With ``--data``: 347 real videos as one store; `stgraph store import` does the same."""
    streams = {"appearance": "resnet152", "motion": "conv3d"}
    records = {stream: ExtractorRecord(name, "unknown", {}) for stream, name in streams.items()}
    with FeatureStoreWriter(store, extractors=records) as writer:
        for video in read_npy_folders({stream: folder / name for stream, name in streams.items()}):
            writer.add(video)


def real_videos(folder: Path, store: Path, seed: int) -> CaptionDataModule:
    """Splits are drawn by each video's id: a tenth for validation, a fifth for testing."""
    return CaptionDataModule.from_store(
        store, folder / "captions.json", val_share=0.1, test_share=0.2, seed=seed, **LOADING
    )


def train(data: CaptionDataModule, run: Path, channels: int, epochs: int, seed: int = 0) -> CaptionPipeline:
    """Step 1. Two runs that differ in one thing. Here it is how long they train; yours may differ in any setting."""
    lightning.seed_everything(seed, verbose=False)
    model = STGraphCaptioner.for_data(
        data,
        branches=("scene",),
        hidden_channels=channels,
        num_heads=4,
        feedforward_channels=2 * channels,
        dropout=0.0,
    )
    return train_captioner(
        model,
        data,
        run,
        optimizer=partial(Adam, lr=2e-3),
        schedule=partial(cosine_with_warmup, warmup_steps=5),
        seed=seed,
        max_epochs=epochs,
        check_val_every_n_epoch=epochs,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def evaluate(captioner: CaptionPipeline, data: CaptionDataModule, run: Path, split: str) -> Evaluation:
    """Step 2. Captions of a split and their scores, kept in the run under a name that contains the split.

    Choose settings by val, report test, and look at test once. A comparison of two splits is refused, because the split
    is part of the evaluation.
    """
    found = captioner.evaluate(data, split=split)
    found.save(run / found.file_name, run_record(0))
    loaded = Evaluation.load(run / found.file_name)
    claim((loaded.split, loaded.captions) == (split, found.captions), f"{found.file_name} is read back")
    interval = bootstrap_intervals(found.scores)["CIDEr"]
    ends = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    print(f"{run.name}, {split}: CIDEr {100 * found.scores['CIDEr']:.1f} ({ends})")
    return found


def compare(a: Evaluation, b: Evaluation) -> dict[str, PairedDifference]:
    """Step 3. Differences of all metrics on the *same* videos, which are drawn together.

    For each metric: A - B on the split; the interval that contains the difference of 95 % of 1,000 redrawn sets of
    videos; and a two-sided p-value. How to read it:

    * If the interval excludes 0 (p below 0.05), A would most likely be ahead on other videos of this kind, too.
    * If it contains 0, these videos do not tell the two apart. That is not "they are equal": look at how wide it is.
    * Seven metrics are seven chances to find something. Decide beforehand which one counts; here it is CIDEr.
    * Whether the two runs' own intervals overlap is no test: most of their width comes from videos that are hard for
      both, which cancels in the paired difference.
    """
    claim(a.captions.keys() == b.captions.keys(), "both captioned the same videos")
    claim((a.split, a.references) == (b.split, b.references), "both were scored against the same captions")
    found = paired_bootstrap(a.scores, b.scores)
    print(f"\n{'':<8}{'A':>7}{'B':>7}{'A - B':>8}  {'95 % interval':>17}  {'p':>6}")
    for metric, pair in found.items():
        ends = f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}"
        scores = f"{100 * a.scores[metric]:>7.1f}{100 * b.scores[metric]:>7.1f}{100 * pair.difference:>+8.1f}"
        print(f"{metric:<8}{scores}  {ends:>17}  {pair.p_value:>6.3f}")
    row = found["CIDEr"]
    claim(
        abs(a.scores["CIDEr"] - b.scores["CIDEr"] - row.difference) < 1e-9,
        "it is the difference of both scores",
    )
    claim(row.low <= row.difference <= row.high, "the interval contains it")
    claim(row.p_value >= 2 / 1001, "1,000 draws cannot give a p-value below 0.002; samples=10_000 can")
    return found


def by_video(a: Evaluation, b: Evaluation) -> None:
    """Step 4. Scores by video: where the two differ most, and what they said there."""
    gaps = {
        video: score - b.scores.per_video["CIDEr"][video]
        for video, score in a.scores.per_video["CIDEr"].items()
    }
    ahead, behind = (sum(sign * gap > 0 for gap in gaps.values()) for sign in (1, -1))
    print(f"\nA is ahead on {ahead} videos, behind on {behind}, level on {len(gaps) - ahead - behind}")
    for video in sorted(gaps, key=lambda name: -abs(gaps[name]))[:3]:
        print(f"{video} ({100 * gaps[video]:+.1f})\n  A: {a.captions[video]}\n  B: {b.captions[video]}")


def another_seed(a: Evaluation, again: Evaluation) -> None:
    """Step 5. What such a p-value does *not* cover. A again, with nothing changed but the seed.

    The bootstrap draws videos, not trainings: it is about these two sets of weights. Two seeds of one setting are two
    sets of weights, too, and may well differ with a small p-value. So p < 0.05 between one run of setting A and one run
    of setting B is no evidence that the *setting* is better. For that, train both with several seeds and pair them by
    seed:

        stgraph ablate table=stgkd rows=[scene_branch_only,full_model] seeds=5 ...

    whose intervals are over seeds (see ``reproduce_a_table.py``). Always state which of the two an interval is over.
    """
    found = paired_bootstrap(a.scores, again.scores)
    apart = [metric for metric, row in found.items() if row.p_value < 0.05]
    print(f"\nTwo seeds of one setting, told apart at p < 0.05 by: {', '.join(apart) or 'no metric'}.")
    claim(any(row.difference for row in found.values()), "another seed is another model")


def claim(holds: bool, what: str) -> None:
    """Ends the tutorial if something that it states does not hold."""
    if not holds:
        raise SystemExit(f"This should hold and does not: {what}.")
    print(f"[holds] {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with features/vrd")
    parser.add_argument("--out", type=Path, default=Path("runs/compare_two_runs"))
    chosen = parser.parse_args()
    start = time.monotonic()
    work = chosen.out.absolute() / "tutorial"  # all that this script writes, so that it can be run again
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)

    data_of: Any = generated_videos
    if chosen.data:
        folder, store = chosen.data / "features" / "vrd", work / "videos.h5"
        import_real_videos(folder, store)
        data_of = partial(real_videos, folder, store)
    channels = 128 if chosen.data else 64
    data = data_of(seed=0)
    captioners = {name: train(data, work / name, channels, epochs) for name, epochs in EPOCHS.items()}
    for name, captioner in captioners.items():
        evaluate(captioner, data, work / name, "val")
    a, b = (evaluate(captioner, data, work / name, "test") for name, captioner in captioners.items())
    row = compare(a, b)["CIDEr"]
    claim(
        row.low > 0 and row.p_value < 0.05,
        "four times as much training gives a higher CIDEr on the test videos",
    )
    by_video(a, b)
    data = data_of(seed=1)
    again = train(data, work / "a_seed1", channels, EPOCHS["a"], seed=1)
    another_seed(a, evaluate(again, data, work / "a_seed1", "test"))
    print(f"\n{time.monotonic() - start:.0f} s; all is in {work}")


if __name__ == "__main__":
    main()
