"""Video files: frames by their number, with their times, and which of them to take."""

from stgraph.video.reader import VideoReader
from stgraph.video.sampling import SAMPLING, chunk_frames, every_nth_frame, spread_frames
from stgraph.video.writer import write_video

__all__ = ["SAMPLING", "VideoReader", "chunk_frames", "every_nth_frame", "spread_frames", "write_video"]
