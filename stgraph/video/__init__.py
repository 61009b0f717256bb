"""Video files: reading frames by number together with their times, and choosing which frames to read.

Names are imported when first used: the command line recognizes video files before it imports FFmpeg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgraph.lazy import lazy_exports

if TYPE_CHECKING:
    from stgraph.video.ids import check_id, video_id_of
    from stgraph.video.media_files import has_media_ending
    from stgraph.video.reader import VideoReader
    from stgraph.video.sampling import (
        SAMPLING,
        chunk_frames,
        every_nth_frame,
        floored_chunk_frames,
        spread_frames,
    )
    from stgraph.video.writer import write_video

__all__ = [
    "SAMPLING",
    "VideoReader",
    "check_id",
    "chunk_frames",
    "every_nth_frame",
    "floored_chunk_frames",
    "has_media_ending",
    "spread_frames",
    "video_id_of",
    "write_video",
]

_MODULES = {
    "ids": ("check_id", "video_id_of"),
    "media_files": ("has_media_ending",),
    "reader": ("VideoReader",),
    "sampling": (
        "SAMPLING",
        "chunk_frames",
        "every_nth_frame",
        "floored_chunk_frames",
        "spread_frames",
    ),
    "writer": ("write_video",),
}
__getattr__, __dir__ = lazy_exports(
    __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
)
