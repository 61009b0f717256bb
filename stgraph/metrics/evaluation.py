"""Captions of one split, and their scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stgraph.decoding import Decoding, Greedy, decoding_from_dict
from stgraph.errors import DataError, MissingDataError
from stgraph.files import write_text
from stgraph.metrics.scores import CaptionScores

__all__ = ["Evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """Captions of a split by one branch. The split is part of the value, so that val cannot pass for test.

    ``references`` tells apart data sets of one name whose captions differ; ``decoding`` is how words were chosen.
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
        """Of its file in a run: one for each split, branch and decoding; greedy ones have no suffix."""
        suffix = "" if self.decoding == Greedy() else f"-{self.decoding.label}"
        return f"evaluation-{self.split}-{self.branch}{suffix}.json"

    def save(self, path: Path, record: dict[str, Any]) -> None:
        """Writes scores and captions with what they rest on (commit, versions, ...); :meth:`load` reads them."""
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
        for name, table in tables.items():  # a video a line: else every number would have its own
            rows = [f"  {json.dumps(video)}: {json.dumps(row)}" for video, row in _by_video(table).items()]
            lines += f",\n {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n }"
        write_text(path, lines + "\n}\n")

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Reads what :meth:`save` wrote.

        Raises: MissingDataError: No such file. DataError: It is damaged, or was written without scores by video.
        """
        if not path.is_file():
            raise MissingDataError(f"There is no evaluation at {path}; write one with 'stgraph evaluate'.")
        try:
            content = json.loads(path.read_text())
            tables = [_by_video(content[name]) for name in ("per_video", "statistics")]
            scores = CaptionScores(content["scores"], *tables)
            names = ("dataset", "split", "branch", "captions", "references")
            decoding = decoding_from_dict(content.get("decoding", {}))
            found = cls(scores=scores, decoding=decoding, **{name: content[name] for name in names})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path} is no evaluation with scores by video ({type(error).__name__}: {error}); "
                "run 'stgraph evaluate' again."
            ) from error
        return found


def _by_video(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Turns a table of two keys inside out."""
    turned: dict[str, dict[str, Any]] = {}
    for outer, row in table.items():
        for inner, value in row.items():
            turned.setdefault(inner, {})[outer] = value
    return turned
