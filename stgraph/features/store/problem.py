"""A problem that the validation of a store found."""

from __future__ import annotations

from dataclasses import dataclass

from stgraph.checking import checked


@checked
@dataclass(frozen=True)
class Problem:
    """A description and the id of the video concerned; None for a file as a whole."""

    video_id: str | None
    text: str

    def __str__(self) -> str:
        return self.text if self.video_id is None else f"Video '{self.video_id}': {self.text}"
