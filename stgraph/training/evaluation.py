"""A trained model's captions of one split, and their scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stgraph.captioner import Captioner
from stgraph.datasets.stored_dataset import StoredDataset
from stgraph.decoding import Decoding
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.metrics import CaptionEvaluator, CaptionScores

__all__ = ["Evaluation", "evaluate"]


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
    decoding: Decoding = field(default_factory=Decoding)

    @property
    def file_name(self) -> str:
        """Of its file in a run: one for each split, branch and decoding; greedy ones have no suffix."""
        suffix = "" if self.decoding == Decoding() else f"-{self.decoding.label}"
        return f"evaluation-{self.split}-{self.branch}{suffix}.json"

    def save(self, path: Path, record: dict[str, Any]) -> None:
        """Writes scores and captions with what they rest on (commit, versions, ...); :meth:`load` reads them."""
        content = {
            "dataset": self.dataset,
            "split": self.split,
            "branch": self.branch,
            "decoding": asdict(self.decoding),
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
        path.write_text(lines + "\n}\n")

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
            decoding = Decoding(**content.get("decoding", {}))
            found = cls(scores=scores, decoding=decoding, **{name: content[name] for name in names})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path} is no evaluation with scores by video ({type(error).__name__}: {error}); "
                "run 'stgraph evaluate' again."
            ) from error
        return found


def evaluate(
    captioner: Captioner,
    dataset: StoredDataset,
    split: str,
    branch: str | None = None,
    *,
    batch_size: int = 64,
    evaluator: CaptionEvaluator | None = None,
    decoding: Decoding | None = None,
) -> Evaluation:
    """Captions every video of a split once and scores the captions.

    Args:
        captioner, dataset: Who describes what.
        split: "train", "val" or "test".
        branch: "scene" or "object"; None is the branch that the system is tested by.
        evaluator: One of the split's references, to share its tokenised references between calls.
        decoding: How words are chosen; None is greedy.

    Raises: DataError: The split has no videos, or the features come from other extractors than the model's.
        OptionError: ``decoding`` asks for several captions a video.
    """
    if decoding is not None and decoding.captions_per_video > 1:
        raise OptionError(
            f"'captions_per_video' must be 1 where captions are scored, got {decoding.captions_per_video}."
        )
    references = dataset.corpus.references(split)
    if not references:
        raise DataError(
            f"The data set '{dataset.name}' has no videos in the split '{split}'; choose another by split=..."
        )
    branch = branch or captioner.default_branch
    categories = {video_id: dataset.corpus[video_id].category for video_id in references}
    found = captioner.caption_store(
        dataset.store, list(references), branch, batch_size, categories=categories, decoding=decoding
    )
    captions = {caption.video_id: caption.text for caption in found}
    evaluator = evaluator or CaptionEvaluator(references)
    digest = hashlib.sha256(json.dumps(sorted(references.items())).encode()).hexdigest()
    scores = evaluator(captions)
    return Evaluation(dataset.name, split, branch, captions, scores, digest, decoding or Decoding())


def _by_video(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Turns a table of two keys inside out."""
    turned: dict[str, dict[str, Any]] = {}
    for outer, row in table.items():
        for inner, value in row.items():
            turned.setdefault(inner, {})[outer] = value
    return turned
