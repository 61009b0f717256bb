"""A trained model's captions of one split, and their scores."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stgraph.captioner import Captioner
from stgraph.datasets.stored_dataset import StoredDataset
from stgraph.errors import DataError
from stgraph.metrics import CaptionEvaluator, CaptionScores

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """Captions of a split by one branch. The split is part of the value, so that val cannot pass for test."""

    dataset: str
    split: str
    branch: str
    captions: dict[str, str]
    scores: CaptionScores

    def save(self, path: Path, record: dict[str, Any]) -> None:
        """Writes scores and captions with what they rest on (commit, versions, ...)."""
        content = {
            "dataset": self.dataset,
            "split": self.split,
            "branch": self.branch,
            "videos": len(self.captions),
            "scores": dict(self.scores),
            **record,
            "captions": self.captions,
        }
        path.write_text(json.dumps(content, indent=1) + "\n")


def evaluate(
    captioner: Captioner,
    dataset: StoredDataset,
    split: str,
    branch: str | None = None,
    *,
    batch_size: int = 64,
    evaluator: CaptionEvaluator | None = None,
) -> Evaluation:
    """Captions every video of a split once and scores the captions.

    Args:
        captioner, dataset: Who describes what.
        split: "train", "val" or "test".
        branch: "scene" or "object"; None is the branch that the system is tested by.
        evaluator: One of the split's references, to share its tokenised references between calls.

    Raises: DataError: The split has no videos, or the features come from other extractors than the model's.
    """
    references = dataset.corpus.references(split)
    if not references:
        raise DataError(
            f"The data set '{dataset.name}' has no videos in the split '{split}'; choose another by split=..."
        )
    branch = branch or captioner.default_branch
    found = captioner.caption_store(dataset.store, list(references), branch, batch_size)
    captions = {caption.video_id: caption.text for caption in found}
    evaluator = evaluator or CaptionEvaluator(references)
    return Evaluation(dataset.name, split, branch, captions, evaluator(captions))
