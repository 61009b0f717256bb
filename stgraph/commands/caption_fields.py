"""What JSON shows of a caption."""

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
    """Words and their log-probabilities (that of the end mark is last); of a file also the frames, and what was seen there.

    Attention, where the caption has it, is by name, word by word. Boxes are x1, y1, x2, y2 in pixels; times are seconds.
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
    assert isinstance(here.labels, Tensor)  # made by Detections where there were none
    return {
        "boxes": [[round(side, 1) for side in box] for box in here.boxes.tolist()],
        "scores": [round(score, 4) for score in here.scores.tolist()],
        "labels": [names[label] if 0 <= label < len(names) else label for label in here.labels.tolist()],
    }
