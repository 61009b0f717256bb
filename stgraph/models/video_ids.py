"""The ids of a batch's videos."""

from __future__ import annotations

from typing import Any

__all__ = ["video_ids"]


def video_ids(graph: Any) -> list[str] | None:
    """Those of one graph or of a batch; None unless every video has one."""
    ids = graph.get("video_id")
    ids = [ids] if isinstance(ids, str) else ids
    return None if ids is None or None in ids else ids
