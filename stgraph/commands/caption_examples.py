"""Videos with the captions of evaluated runs, for ``stgraph figure captions`` and ``stgraph report``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from stgraph.commands.figure_inputs import TrainedRun, frames_of, short_names
from stgraph.errors import OptionError, UnknownVideoError, shown
from stgraph.inspection import CaptionExample
from stgraph.metrics import Evaluation
from stgraph.video.sampling import spread_frames

__all__ = ["caption_examples", "names_of"]


def caption_examples(
    files: Sequence[Path],
    evaluations: Sequence[Evaluation],
    config: DictConfig,
    split: str,
    count: int,
    num_frames: int,
    folder: Path | None,
    wanted: Sequence[str] = (),
) -> list[CaptionExample]:
    """Collects captions, references and frames of videos that every run has captioned.

    Args:
        files: The evaluations' files.
        evaluations: Their content.
        config: Settings of ``configs/caption.yaml``.
        split: The split.
        count: Number of videos, evenly spaced over the split.
        num_frames: Frames per video; 0 reads none.
        folder: Folder of the files of stored videos.
        wanted: Videos to show instead.

    Raises:
        OptionError: If the runs are of different data.
        UnknownVideoError: If a wanted video was not captioned by all.
        MissingDataError: If the file of a stored video is not known.
    """
    known = set.intersection(*(set(each.captions) for each in evaluations))
    first = TrainedRun(files[0].parent, config)
    for one, other in pairwise(evaluations):
        if one.dataset != other.dataset:
            raise OptionError(
                f"The runs captioned '{one.dataset}' and '{other.dataset}'; name runs of the same data."
            )
    videos = list(wanted) or sorted(known)
    for video in videos:
        if video not in known:
            raise UnknownVideoError(
                f"'{shown(video)}' is not in the {split} split of every run; a known one is '{min(known)}'."
            )
    if not wanted:
        videos = videos[:: max(1, len(videos) // count)][:count]
    examples = []
    for video in videos:
        frames = None
        if num_frames:
            features = first.data.store.read(video, [])
            keep = spread_frames(features.num_frames, min(num_frames, features.num_frames))
            frames = np.asarray(frames_of(video, features, folder))[keep]
        named = zip(names_of(files), evaluations, strict=True)
        captions = {name: each.captions[video] for name, each in named}
        examples.append(CaptionExample(video, captions, first.references_of(video), frames))
    return examples


def names_of(files: Sequence[Path]) -> list[str]:
    """Names of evaluated runs: their folders, with the file where several evaluations of a run are shown."""
    return [_run_name(name) for name in short_names(list(files))]


def _run_name(name: str) -> str:
    """Names a run by its folder where only one evaluation of it is shown."""
    folder, _, file = name.rpartition("/")
    return folder if folder and file.startswith("evaluation-") else name
