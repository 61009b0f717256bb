"""Video files: reading frames by number together with their times, and choosing which frames to read."""

from stgraph.video.media_files import has_media_ending, without_media_ending
from stgraph.video.reader import VideoReader
from stgraph.video.sampling import SAMPLING, chunk_frames, every_nth_frame, spread_frames
from stgraph.video.writer import write_video

__all__ = [
    "SAMPLING",
    "VideoReader",
    "chunk_frames",
    "every_nth_frame",
    "has_media_ending",
    "spread_frames",
    "without_media_ending",
    "write_video",
]
