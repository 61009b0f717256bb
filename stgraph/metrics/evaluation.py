"""The captions of one split and their scores, as saved in a run folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from stgraph.checking import checked
from stgraph.decoding import Decoding, Greedy, decoding_from_dict
from stgraph.errors import DataError, MissingDataError
from stgraph.files import write_text
from stgraph.metrics.bootstrap import scores_of_sets
from stgraph.metrics.scores import CaptionScores
from stgraph.parsing import RECORD, read_record

__all__ = ["Evaluation"]


@checked
@dataclass(frozen=True)
class Evaluation:
    """Captions that one branch generated for a split, with their scores.

    Args:
        dataset: Name of the data set.
        split: The split, kept so that results on val are never taken for results on test.
        branch: The branch that generated the captions.
        captions: Caption by video id.
        scores: Scores of the captions.
        references: Hash of the reference captions, which distinguishes data sets of the same name.
        decoding: The decoding method.
    """

    dataset: str
    split: str
    branch: str
    captions: dict[str, str]
    scores: CaptionScores
    references: str = ""
    decoding: Decoding = field(default_factory=Greedy)

    @property
    def file_name(self) -> str:
        """File name in a run folder, unique per split, branch and decoding; greedy decoding adds no suffix."""
        suffix = "" if self.decoding == Greedy() else f"-{self.decoding.label}"
        return f"evaluation-{self.split}-{self.branch}{suffix}.json"

    def save(self, path: Path, record: dict[str, Any]) -> None:
        """Writes the evaluation as JSON.

        Args:
            path: The file.
            record: Further entries that document the run, such as commit and package versions.
        """
        content = {
            "dataset": self.dataset,
            "split": self.split,
            "branch": self.branch,
            "decoding": self.decoding.to_dict(),
            "videos": len(self.captions),
            "scores": dict(self.scores),
            **record,
            "references": self.references,
            "captions": self.captions,
        }
        tables: dict[str, Mapping[str, Mapping[str, Any]]]
        tables = {"per_video": self.scores.per_video, "statistics": self.scores.statistics}
        lines = json.dumps(content, indent=1).removesuffix("\n}")
        for name, table in tables.items():  # one line per video instead of one per number
            rows = [f"  {json.dumps(video)}: {json.dumps(row)}" for video, row in _by_video(table).items()]
            lines += f",\n {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n }"
        write_text(path, lines + "\n}\n")

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Reads an evaluation written by :meth:`save`.

        Raises:
            MissingDataError: If there is no such file.
            DataError: If the file is damaged or has no scores per video.
        """
        if not os.path.lexists(path):
            raise MissingDataError(f"There is no evaluation at {path}; write one with 'stgraph evaluate'.")
        remedy = "run 'stgraph evaluate' again"
        saved = read_record(path, _Saved, f"an evaluation with scores per video; {remedy}")
        scores = CaptionScores(saved.scores, _by_video(saved.per_video), _by_video(saved.statistics))
        try:
            tables: list[Mapping[str, Any]] = [*scores.per_video.values(), *scores.statistics.values()]
            if any(table.keys() != saved.captions.keys() for table in tables):
                raise ValueError("some videos have no caption or lack a score")
            scores_of_sets(scores, np.ones((1, len(saved.captions))))
            decoding = decoding_from_dict(saved.decoding)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"{path} is not an evaluation with scores per video ({type(error).__name__}: {error}); {remedy}."
            ) from error
        return cls(
            saved.dataset, saved.split, saved.branch, saved.captions, scores, saved.references, decoding
        )


class _Saved(BaseModel):
    """The entries of a file that are read; others document the run."""

    model_config = {**RECORD, "extra": "ignore"}

    dataset: str
    split: str
    branch: str
    captions: dict[str, str]
    references: str
    decoding: dict[str, Any] = {}
    scores: dict[str, float]
    per_video: dict[str, dict[str, float]]
    statistics: dict[str, dict[str, list[float]]]


def _by_video(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Swaps the two keys of a nested mapping."""
    turned: dict[str, dict[str, Any]] = {}
    for outer, row in table.items():
        for inner, value in row.items():
            turned.setdefault(inner, {})[outer] = value
    return turned
