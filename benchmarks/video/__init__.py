"""Reading of videos compared with ``ffmpeg``: ``python -m benchmarks.video``."""
