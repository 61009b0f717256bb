"""A data set of tracks seen in a mirror, to train on beside the original."""

from __future__ import annotations

from dataclasses import replace

from stgraph.checking import checked
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo
from stgraph.datasets.tracks.track_dataset import TrackDataset
from stgraph.errors import OptionError

__all__ = ["MirroredTracks"]

SUFFIX = "-mirrored"


@checked
class MirroredTracks(TrackDataset):
    """The videos of a data set with left and right exchanged, named "ID-mirrored"; everything else stays.

    Training on them, too, doubles the data where what is predicted has no side: ``clip_examples(data, ids=train) +
    clip_examples(MirroredTracks(data), ids=[f"{each}-mirrored" for each in train])``.

    Args:
        dataset: The data set.

    Raises:
        OptionError: If it is no data set of tracks, or mirrored already.

    Reference: our own design.
    """

    name = "mirrored"

    def __init__(self, dataset: TrackDataset) -> None:
        if not isinstance(dataset, TrackDataset) or isinstance(dataset, MirroredTracks):
            raise OptionError(
                f"'dataset' must be a TrackDataset that is not mirrored, got {type(dataset).__name__}."
            )
        self.dataset = dataset
        self.ids = tuple(f"{video_id}{SUFFIX}" for video_id in dataset.ids)

    @property
    def label_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """As in the data set."""
        return self.dataset.label_names

    @property
    def relation_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """As in the data set."""
        return self.dataset.relation_names

    @property
    def state_names(self) -> dict[str, tuple[str, ...]]:  # type: ignore[override]
        """As in the data set."""
        return dict(self.dataset.state_names)

    def read(self, video_id: str) -> AnnotatedVideo:
        """Reads one video and mirrors it."""
        return replace(self.dataset[video_id.removesuffix(SUFFIX)].mirrored(), video_id=video_id)
