"""Encoder of frame and clip features: one vector per frame."""

from __future__ import annotations

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import OptionError, ShapeError
from stgraph.nn.encoder.input_features import InputFeatures
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.typing import FloatTensor, OptionalWidth, Width, check_shape

__all__ = ["SceneEncoder"]


@checked
class SceneEncoder(Layer):
    r"""The scene branch up to the language model.

    .. math:: F_s = [F_{2D} W_{2D} ; F'_{3D} W_{3D}] W_{fuse}, \quad \text{or } F_{2D} W_{2D} W_{fuse} \text{ without motion}

    Args:
        appearance_channels: Width of a frame's feature.
        hidden_channels: Width d of the output.
        motion_channels: Width of a clip's feature; 0 for none.
        inputs: Preprocessing of both streams; None leaves them, as in the paper.

    Shapes: appearance ``[M, Fa]``, motion ``[M, Fm]`` (the clip that covers each frame) -> ``[M, d]``.

    Raises:
        OptionError: If ``appearance_channels`` is below 1.
        ShapeError: If a stream has another width, or motion is given and not expected or the reverse.

    Reference: Pan et al., CVPR 2020, Eq. 6.
    """

    def __init__(
        self,
        appearance_channels: OptionalWidth,
        hidden_channels: Width,
        motion_channels: OptionalWidth = 0,
        *,
        inputs: InputFeatures | None = None,
    ) -> None:
        super().__init__()
        if appearance_channels < 1:
            raise OptionError(f"'appearance_channels' must be at least 1, got {appearance_channels}.")
        self.appearance_channels, self.motion_channels = appearance_channels, motion_channels
        self.inputs = InputFeatures() if inputs is None else inputs
        self.appearance = Linear(appearance_channels, hidden_channels, bias=False)
        self.motion = Linear(motion_channels, hidden_channels, bias=False) if motion_channels else None
        fused = 2 * hidden_channels if motion_channels else hidden_channels
        self.fuse = Linear(fused, hidden_channels, bias=False)

    def forward(self, appearance: FloatTensor, motion: FloatTensor | None = None) -> Tensor:
        """Applies Eq. 6."""
        check_shape("appearance", appearance, "M Fa", Fa=self.appearance_channels)
        if (motion is None) != (self.motion is None):
            raise ShapeError(
                f"'motion' must be {'[M, ' + str(self.motion_channels) + ']' if self.motion else 'None'} for this "
                f"encoder, got {'None' if motion is None else list(motion.shape)}"
            )
        h = self.appearance(self.inputs(appearance))
        if motion is not None and self.motion is not None:
            check_shape("motion", motion, "M Fm", M=appearance.size(0), Fm=self.motion_channels)
            h = torch.cat([h, self.motion(self.inputs(motion))], dim=-1)
        return self.fuse(h)
