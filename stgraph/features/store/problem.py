"""One thing that is wrong with a store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A sentence, and the video it is about (None: a file as a whole)."""

    video_id: str | None
    text: str

    def __str__(self) -> str:
        return self.text if self.video_id is None else f"Video '{self.video_id}': {self.text}"
