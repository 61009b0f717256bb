"""What is to be extracted: which frames are looked at, and by which extractors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

import stgraph
from stgraph.errors import DataError, ModelFolderError, OptionError
from stgraph.extraction.extractors.protocol import Extractor
from stgraph.extraction.extractors.registry import make_extractor
from stgraph.features.store.provenance import ExtractorRecord
from stgraph.video import SAMPLING

__all__ = ["ExtractionPlan", "ExtractorChoice", "FrameRule", "PlannedExtractors"]

FRAMES = "frames"  # the rule, kept among the settings of what looks at single frames
FILE = "file:"  # in front of the name of a file, which is kept without the folder that it was in


@dataclass(frozen=True)
class FrameRule:
    """Which frames of a file are looked at.

    Args:
        rule: "spread" (STG-KD), "chunks" (STAT) or "every" (STaTS).
        number: T, or for "every" the step.

    >>> FrameRule("spread", 4)(100).tolist()
    [12, 37, 62, 87]
    """

    rule: str = "spread"
    number: int = 10

    def __post_init__(self) -> None:
        if self.rule not in SAMPLING:
            raise OptionError(f"'frames.rule' must be one of {', '.join(SAMPLING)}, got {self.rule!r}.")
        if not isinstance(self.number, int) or self.number < 1:
            raise OptionError(f"'frames.number' must be at least 1, got {self.number!r}.")

    def __call__(self, file_frames: int) -> np.ndarray:
        """Numbers of the frames, increasing."""
        return SAMPLING[self.rule](file_frames, self.number)


@dataclass(frozen=True)
class ExtractorChoice:
    """An extractor by its name, and the settings it is made with."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ExtractionPlan:
    """All that decides what a store holds; extractors are made by :meth:`build`.

    Args:
        choices: The extractors; together they may fill each stream once.
        rule: The frames.
        allow: Dotted names of extractors that may be imported.
    """

    choices: Sequence[ExtractorChoice]
    rule: FrameRule = field(default_factory=FrameRule)
    allow: Collection[str] = ()

    @classmethod
    def of_records(
        cls,
        records: Mapping[str, Any],
        allow: Collection[str] = (),
        own: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> ExtractionPlan:
        """The plan by which streams were made that a model was trained on.

        Args:
            records: Name and settings of each stream's extractor, as a store or a model folder keeps them.
            allow: As in the class.
            own: Settings of the caller's, by the group of ``stgraph extract`` ("appearance", "motion", "objects",
                "flow"); they say where the files are that a record knows by name only.

        Raises: ModelFolderError: The frames or files of a stream are not known, or a setting is a path.
        """
        choices: dict[str, ExtractorChoice] = {}
        rules: dict[str, FrameRule] = {}
        for stream, record in records.items():
            settings = {**record.settings}
            frames = settings.pop(FRAMES, None)
            if frames is not None:
                rules[stream] = FrameRule(*frames)
            group = _group_of(stream, record.name, frames)
            mine = {key: value for key, value in (own or {}).get(group, {}).items() if value is not None}
            for key, value in settings.items():
                _check_no_path(stream, group, record.name, key, None if key in mine else value)
            choice = ExtractorChoice(record.name, {**settings, **mine})
            choices.setdefault(repr((choice.name, sorted(choice.settings.items(), key=repr))), choice)
        if len(set(rules.values())) > 1:
            raise ModelFolderError(
                f"The streams were made of different frames ({rules}); extract them together."
            )
        return cls(list(choices.values()), next(iter(rules.values()), FrameRule()), allow)

    def build(self, device: torch.device | str = "cpu") -> PlannedExtractors:
        """Makes the extractors, which reads or downloads their weights.

        Raises: OptionError: A name or setting that there is not, or a stream that comes twice.
        """
        extractors = [make_extractor(choice.name, choice.settings, self.allow) for choice in self.choices]
        streams = [stream for extractor in extractors for stream in extractor.streams]
        twice = sorted({stream for stream in streams if streams.count(stream) > 1})
        if twice or not streams:
            reason = f"two extractors fill '{twice[0]}'" if twice else "none is chosen"
            raise OptionError(f"The extractors do not go together: {reason}; choose one for each stream.")
        return PlannedExtractors(self, [extractor.to(device) for extractor in extractors])


@dataclass(frozen=True)
class PlannedExtractors:
    """The extractors of a plan, made."""

    plan: ExtractionPlan
    extractors: Sequence[Extractor]

    @cached_property
    def records(self) -> dict[str, ExtractorRecord]:
        """What made each stream."""
        found = {}
        for choice, extractor in zip(self.plan.choices, self.extractors, strict=True):
            settings = {key: _without_folder(value) for key, value in choice.settings.items()}
            if extractor.frames_per_item == 1:
                settings[FRAMES] = [self.plan.rule.rule, self.plan.rule.number]
            versions = {"stgraph": stgraph.__version__, **extractor.versions}
            record = ExtractorRecord(choice.name, extractor.weights, versions, settings)
            found.update(dict.fromkeys(extractor.streams, record))
        return found

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels of the objects."""
        return next((tuple(one.label_names) for one in self.extractors if "object" in one.streams), ())

    def check_same(self, records: Mapping[str, Any]) -> None:
        """Refuses where what was made anew is not what ``records`` name, as after an update of the weights.

        Raises: DataError: Says which stream.
        """
        for stream, wanted in records.items():
            found = self.records.get(stream)
            if found is None or found.weights != wanted.weights:
                raise DataError(
                    f"The model was trained on '{stream}' features of '{wanted.name}' with other weights "
                    f"({wanted.weights[:19]}, here {found.weights[:19] if found else 'none'}); give those by their file."
                )


def _without_folder(value: Any) -> Any:
    """Of a file or folder, its name: where it lies is no fact about the features."""
    return f"{FILE}{Path(value).name}" if isinstance(value, str) and Path(value).exists() else value


def _group_of(stream: str, name: str, frames: Any) -> str:
    """The group of settings that chose an extractor; a grid comes with the vectors of its frames or clips."""
    if stream == "object":
        return "objects"
    if name == "i3d_flow":
        return "flow"
    return "motion" if frames is None else "appearance"


def _check_no_path(stream: str, group: str, name: str, key: str, value: Any) -> None:
    if not isinstance(value, str):
        return
    if value.startswith(FILE):
        raise ModelFolderError(
            f"The extractor '{name}' of the stream '{stream}' was made with the file {value.removeprefix(FILE)}; say "
            f"where it is, as in {group}.{key}=FILE."
        )
    if Path(value).is_absolute() or ".." in Path(value).parts or Path(value).exists():
        raise ModelFolderError(
            f"The setting '{key}' of the extractor '{name}' is a path ({value[:80]}); a model folder may name none."
        )
