"""Small videos of flat colours."""

import numpy as np

from stgraph.video import write_video


def flat_video(path, frames=20, start=30, step=5, size=(32, 48)):
    """Writes a video in which frame n has the grey value start + step n."""
    grey = np.clip(start + step * np.arange(frames), 0, 255).astype(np.uint8)
    return write_video(path, np.broadcast_to(grey[:, None, None, None], (frames, *size, 3)).copy())


def folder_of_videos(folder, count=5):
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        flat_video(folder / f"video{k}.mp4", frames=12 + 9 * k, start=10 + 30 * k, step=2)
    return folder
