"""The plan of an extraction: which frames are sampled and which extractors process them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

import stgraph
from stgraph.checking import checked, described
from stgraph.errors import DataError, ModelFolderError, OptionError
from stgraph.extraction.extractors.protocol import Extractor
from stgraph.extraction.extractors.registry import make_extractor
from stgraph.features.store.provenance import ExtractorRecord
from stgraph.video import SAMPLING

__all__ = ["ExtractionPlan", "ExtractorChoice", "FrameRule", "PlannedExtractors"]

_RECORDED_RULES = {"chunks": "chunks_floored", "array_split": "chunks"}
"""Frame rules by the names in records, so that features of earlier versions keep their meaning."""
FRAMES = "frames"  # key under which the record of an extractor of single frames keeps the frame rule
FILE = "file:"  # prefix of a file name in a record, which doesn't keep the folder


class Recorded(Protocol):
    """What a store or a model folder records of an extractor, by which it is made again."""

    @property
    def name(self) -> str:
        """Name of the extractor."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Arguments of its constructor."""


class RecordedWeights(Recorded, Protocol):
    """A record with the weights."""

    @property
    def weights(self) -> str:
        """Hash of the weights."""


@dataclass(frozen=True)
class FrameRule:
    """Rule that chooses the frames of a file.

    Args:
        rule: "spread" (STG-KD), "chunks" (STAT), "every" (STaTS), or "chunks_floored", which "chunks" was before.
        number: Number of frames T; for "every", the step between frames.

    Raises:
        OptionError: If the rule is unknown or the number is below 1.

    >>> FrameRule("spread", 4)(100).tolist()
    [12, 37, 62, 87]
    """

    rule: str = "spread"
    number: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.rule, str) or self.rule not in SAMPLING:
            raise OptionError(
                f"'frames.rule' must be one of {', '.join(SAMPLING)}, got {described(self.rule)}."
            )
        if isinstance(self.number, bool) or not isinstance(self.number, int) or self.number < 1:
            raise OptionError(
                f"'frames.number' must be a number of at least 1, got {described(self.number)}."
            )

    @checked
    def __call__(self, file_frames: int) -> np.ndarray:
        """Numbers of the chosen frames, increasing."""
        return SAMPLING[self.rule](file_frames, self.number)

    @classmethod
    def of_record(cls, record: Sequence[Any]) -> FrameRule:
        """The rule of an extractor's record; records of earlier versions name the floored chunks "chunks".

        Raises:
            OptionError: If the record is none of a frame rule.
        """
        if not isinstance(record, (list, tuple)) or len(record) != 2 or not isinstance(record[0], str):
            raise OptionError(
                f"'record' must be the name of a frame rule and a number, got {described(record)}; extract the features "
                "again."
            )
        rule, number = str(record[0]), record[1]
        return cls(_RECORDED_RULES.get(rule, rule), number)

    @property
    def record(self) -> list[Any]:
        """The rule as an extractor's record keeps it."""
        names = {rule: recorded for recorded, rule in _RECORDED_RULES.items()}
        return [names.get(self.rule, self.rule), self.number]


@checked
@dataclass(frozen=True)
class ExtractorChoice:
    """An extractor by name, and its constructor arguments."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@checked
@dataclass(frozen=True)
class ExtractionPlan:
    """Everything that determines the features of a store; :meth:`build` creates the extractors.

    Args:
        choices: The extractors; no two of them may fill the same stream.
        rule: Chooses the frames.
        allow: Dotted names of extractors that may be imported.
    """

    choices: Sequence[ExtractorChoice]
    rule: FrameRule = field(default_factory=FrameRule)
    allow: Collection[str] = ()

    @classmethod
    def of_records(
        cls,
        records: Mapping[str, Recorded],
        allow: Collection[str] = (),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> ExtractionPlan:
        """Restores the plan that a model's training features were extracted with.

        Args:
            records: Record of each stream's extractor, as a store or a model folder keeps them.
            allow: Dotted names of extractors that may be imported.
            settings: Settings that override the recorded ones, by group of ``stgraph extract`` ("appearance", "motion",
                "objects", "flow"); they give the paths of files that a record keeps by name only.

        Raises:
            ModelFolderError: If a file's path is not given, a recorded setting is a path, or the streams were
                extracted from different frames.
        """
        choices: dict[str, ExtractorChoice] = {}
        rules: dict[str, FrameRule] = {}
        for stream, record in records.items():
            recorded = {**record.settings}
            frames = recorded.pop(FRAMES, None)
            if frames is not None:
                rules[stream] = FrameRule.of_record(frames)
            group = _group_of(stream, record.name, frames)
            given = {
                key: value for key, value in (settings or {}).get(group, {}).items() if value is not None
            }
            for key, value in recorded.items():
                _check_no_path(stream, group, record.name, key, None if key in given else value)
            choice = ExtractorChoice(record.name, {**recorded, **given})
            choices.setdefault(repr((choice.name, sorted(choice.settings.items(), key=repr))), choice)
        if len(set(rules.values())) > 1:
            raise ModelFolderError(
                f"The streams were extracted from different frames ({rules}); extract them together."
            )
        return cls(list(choices.values()), next(iter(rules.values()), FrameRule()), allow)

    def build(self, device: torch.device | str = "cpu") -> PlannedExtractors:
        """Creates the extractors, which loads or downloads their weights, and moves them to ``device``.

        Raises:
            OptionError: If a name or setting is unknown, no extractor is chosen, or two fill the same stream.
        """
        extractors = [make_extractor(choice.name, choice.settings, self.allow) for choice in self.choices]
        streams = [stream for extractor in extractors for stream in extractor.streams]
        twice = sorted({stream for stream in streams if streams.count(stream) > 1})
        if twice or not streams:
            reason = f"two extractors fill '{twice[0]}'" if twice else "none is chosen"
            raise OptionError(f"The extractors do not go together: {reason}; choose one for each stream.")
        return PlannedExtractors(self, [extractor.to(device) for extractor in extractors])


@checked
@dataclass(frozen=True)
class PlannedExtractors:
    """A plan together with the extractors created from it."""

    plan: ExtractionPlan
    extractors: Sequence[Extractor]

    @cached_property
    def records(self) -> dict[str, ExtractorRecord]:
        """Record of the extractor of each stream."""
        found = {}
        for choice, extractor in zip(self.plan.choices, self.extractors, strict=True):
            settings = {key: _without_folder(value) for key, value in choice.settings.items()}
            if extractor.frames_per_item == 1:
                settings[FRAMES] = self.plan.rule.record
            versions = {"stgraph": stgraph.__version__, **extractor.versions}
            record = ExtractorRecord(choice.name, extractor.weights, versions, settings)
            found.update(dict.fromkeys(extractor.streams, record))
        return found

    @property
    def label_names(self) -> tuple[str, ...]:
        """Name of each object label; empty if unknown."""
        return next((tuple(one.label_names) for one in self.extractors if "object" in one.streams), ())

    def check_same(self, records: Mapping[str, RecordedWeights]) -> None:
        """Checks that the extractors have the recorded weights, which an update of a package may have replaced.

        Raises:
            DataError: If the weights of a stream's extractor differ from the recorded ones.
        """
        for stream, wanted in records.items():
            found = self.records.get(stream)
            if found is None or found.weights != wanted.weights:
                raise DataError(
                    f"The model was trained on '{stream}' features of '{wanted.name}' with other weights "
                    f"({wanted.weights[:19]}, here {found.weights[:19] if found else 'none'}); give the file of "
                    "the recorded weights."
                )


def _without_folder(value: Any) -> Any:
    """Replaces a path by the name of the file or folder: its location does not affect the features."""
    return f"{FILE}{Path(value).name}" if isinstance(value, str) and Path(value).exists() else value


def _group_of(stream: str, name: str, frames: Any) -> str:
    """The settings group that chose a recorded extractor; a grid belongs to the group of its frame or clip vectors."""
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
            f"The extractor '{name}' of the stream '{stream}' was created with the file {value.removeprefix(FILE)}; give "
            f"its path, as in {group}.{key}=FILE."
        )
    if Path(value).is_absolute() or ".." in Path(value).parts or Path(value).exists():
        raise ModelFolderError(
            f"The setting '{key}' of the extractor '{name}' is a path ({value[:80]}); a model folder must not contain paths."
        )
