"""Inputs of ``stgraph figure`` and ``stgraph graph``: runs with their data, features of videos, and their frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from stgraph.commands.console.output import say
from stgraph.datasets import StoredDataset
from stgraph.datasets.interactions import render_video
from stgraph.datasets.interactions.scene import parse_video_id
from stgraph.errors import (
    DataError,
    MissingDataError,
    ModelFolderError,
    OptionError,
    UnknownVideoError,
    shown,
)
from stgraph.extraction import Failure
from stgraph.extraction.sources import find_videos
from stgraph.features.video_features import VideoFeatures
from stgraph.inspection import FrameBackbone
from stgraph.pipeline import CaptionPipeline
from stgraph.settings.compose import plain, saved_config
from stgraph.settings.overrides import EXTRACTOR_GROUPS
from stgraph.settings.paths import check_paths_of_run
from stgraph.settings.training import open_data
from stgraph.training.devices import device_of
from stgraph.video import VideoReader

__all__ = ["TrainedRun", "frames_of", "read_frames", "short_names"]


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A trained run: the model, and on demand the data that it was trained on.

    Args:
        folder: The run folder.
        config: Device and settings of extractors, composed from ``configs/caption.yaml``.
    """

    folder: Path
    config: DictConfig

    @cached_property
    def captioner(self) -> CaptionPipeline:
        """The model."""
        return CaptionPipeline.from_pretrained(
            self.folder,
            device=device_of(self.config.device),
            extractor_settings={group: plain(self.config[group]) for group in EXTRACTOR_GROUPS},
        )

    @cached_property
    def data(self) -> StoredDataset:
        """The data of the run."""
        data = saved_config(self.folder).data
        remedy = f"correct the path in {self.folder / 'config.yaml'}"
        check_paths_of_run(plain(data), plain(data), self.folder, remedy)
        return open_data(data)

    def video_of(self, wanted: str | None, split: str) -> str:
        """The video to draw: as given, or the first one of the split."""
        if wanted is not None:
            return wanted
        ids = self.data.corpus.ids(split)
        if not ids:
            raise DataError(f"The {split} split of {self.folder} has no videos; name one with --video.")
        return ids[0]

    def references_of(self, video: str) -> tuple[str, ...]:
        """What people wrote about a stored video; nothing for files and uncaptioned videos."""
        if Path(video).is_file() or video not in self.data.corpus:
            return ()
        return tuple(self.data.corpus[video].captions)

    def features_of(self, video: str, branch: str) -> VideoFeatures:
        """Features of the frames that the model sees, of a file or a stored video."""
        config = self.captioner.config
        if Path(video).is_file():
            found = next(iter(self.captioner.extract_features([video], branch)))
            if isinstance(found, Failure):
                raise DataError(f"{video} cannot be drawn: {found.reason}")
            return found.sample(config.num_frames, config.sampling)
        if video not in self.data.store:
            raise UnknownVideoError(
                f"'{shown(video)}' is neither a file nor a video of the data of {self.folder}; a known one is "
                f"'{self.data.store.ids[0]}'."
            )
        self.captioner.check_extractors(self.data.store.extractors, branch)
        streams = [
            each for each in self.captioner.model.streams(branch) if each in self.data.store.extractors
        ]
        return self.data.store.read(video, streams).sample(config.num_frames, config.sampling)

    def backbone(self, branch: str) -> FrameBackbone | None:
        """The network that made the frame features; None, with a note, if its pixels cannot be differentiated."""
        streams = self.captioner.model.streams(branch)
        if "appearance" not in streams or any(stream.startswith("grid/") for stream in streams):
            return None
        record = self.captioner.config.extractors.get("appearance")
        if record is None or record.name.startswith("stgraph.interactions."):
            return None
        try:
            extractors = self.captioner.extractors(branch).extractors
        except (ModelFolderError, DataError, MissingDataError) as error:
            say(f"Each frame gets one value, as its network is not at hand: {error}", error=True)
            return None
        found = next(each for each in extractors if "appearance" in each.streams)
        if isinstance(found, FrameBackbone):
            return found
        say(f"Each frame gets one value, as '{record.name}' has no convolutional maps.", error=True)
        return None


def frames_of(video: str, features: VideoFeatures, folder: Path | None) -> np.ndarray:
    """The sampled frames of a video at once, ``[T, H, W, 3]``; see :func:`read_frames`."""
    return np.stack(list(read_frames(video, features, folder)))


def read_frames(video: str, features: VideoFeatures, folder: Path | None) -> Iterator[np.ndarray]:
    """Finds the sampled frames of a video, in its file, in a folder of videos, or generated anew, and yields them.

    Shapes: each frame is uint8 RGB ``[H, W, 3]``.

    Raises:
        MissingDataError: If the file of a stored video is not known.
        DataError: If the pictures are of another size than the video's boxes.
    """
    index = features.frame_index.tolist()
    file = Path(video)
    if file.is_file():
        return _frames_of_file(file, index, tuple(features.size))
    try:
        parse_video_id(video)
        if folder is None:
            return iter(render_video(video)[index])
    except UnknownVideoError:
        pass
    if folder is None:
        raise MissingDataError(
            f"The frames of '{shown(video)}' are not stored; name the folder of its file with --videos FOLDER."
        )
    known = {source.id: source.path for source in find_videos(folder)[0]}
    if video not in known:
        raise MissingDataError(
            f"{folder} has no file of '{shown(video)}'; choose a folder that has with --videos FOLDER."
        )
    return _frames_of_file(known[video], index, tuple(features.size))


def _frames_of_file(file: Path, index: list[int], size: tuple[int, ...]) -> Iterator[np.ndarray]:
    with VideoReader(file) as reader:
        if index and index[-1] >= reader.num_frames:
            raise DataError(
                f"{file} has {reader.num_frames} frames, but frame {index[-1]} was stored; choose the folder of the "
                "original files with --videos."
            )
        for _, frame in reader.frames(index):
            if frame.shape[:2] != size:
                raise DataError(
                    f"{file} has frames of {frame.shape[1]} x {frame.shape[0]} pixels, but features were stored for "
                    f"{size[1]} x {size[0]}; choose the folder of the original files with --videos."
                )
            yield frame


def short_names(folders: list[Path]) -> list[str]:
    """The shortest ends of the paths by which all can be distinguished.

    >>> short_names([Path("runs/st/0"), Path("runs/ts/0")])
    ['st/0', 'ts/0']
    """
    for parts in range(1, max(len(folder.absolute().parts) for folder in folders) + 1):
        names = ["/".join(folder.absolute().parts[-parts:]) for folder in folders]
        if len(set(names)) == len(folders):
            break
    else:
        raise OptionError("A run must be named only once.")
    return names
