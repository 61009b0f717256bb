"""JSON representation of a caption for ``stgraph caption --json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from stgraph.features.detections import Detections
from stgraph.features.video_features import VideoFeatures
from stgraph.pipeline import Caption

__all__ = ["caption_fields"]


def caption_fields(
    caption: Caption, label_names: Sequence[str] = (), video: VideoFeatures | None = None
) -> dict[str, Any]:
    """Converts a caption to a JSON object.

    It holds the words and their log-probabilities (the last one is that of the end token), attention weights by name and
    word if the caption has them, and for a video file its frames with times in seconds and boxes x1, y1, x2, y2 in pixels.

    Args:
        caption: The caption.
        label_names: Names of the detector's labels.
        video: Features of the captioned file; None for a stored video, whose frames are left out.
    """
    found: dict[str, Any] = {
        "video": caption.video_id,
        "caption": caption.text,
        "words": caption.text.split(),
        "log_probs": caption.log_probs,
    }
    if caption.attention:
        found["attention"] = {
            name: weights.round(decimals=4).tolist() for name, weights in caption.attention.items()
        }
    if video is None:
        return found
    frames: list[dict[str, Any]] = [
        {"number": number, "time": round(seconds, 3)}
        for number, seconds in zip(video.frame_index.tolist(), video.frame_time.tolist(), strict=True)
    ]
    if video.detections is not None:
        for position, frame in enumerate(frames):
            frame.update(_objects(video.detections, position, label_names))
    return {**found, "size": {"height": video.size[0], "width": video.size[1]}, "frames": frames}


def _objects(detections: Detections, position: int, names: Sequence[str]) -> dict[str, Any]:
    here = detections.select((detections.frame == position).nonzero()[:, 0])
    assert isinstance(here.labels, Tensor)  # Detections fills in missing labels
    return {
        "boxes": [[round(side, 1) for side in box] for box in here.boxes.tolist()],
        "scores": [round(score, 4) for score in here.scores.tolist()],
        "labels": [names[label] if 0 <= label < len(names) else label for label in here.labels.tolist()],
    }
