"""Encoder of the streams of STAT."""

from __future__ import annotations

from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.errors import DataError, OptionError
from stgraph.nn.encoder.input_features import InputFeatures
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.nn.memory import VideoMemory
from stgraph.nn.padding import pad_frames, pad_regions, total_frames
from stgraph.typing import FloatTensor, IndexTensor, OptionalWidth, Width, check_shape

__all__ = ["STATEncoder"]


@checked
class STATEncoder(Layer):
    r"""Projects the streams of STAT to one width.

    .. math:: m = \tanh(W_m M + b_m), \quad l = \tanh(W_l L + b_l), \quad g = G

    The global stream is projected (W G + b, no tanh) only if it has another width.

    Args:
        out_channels: Width of all streams.
        appearance_channels: Width of G; 0 leaves the stream out.
        motion_channels: Width of M; 0 leaves the stream out.
        object_channels: Width of L; 0 leaves the stream out.
        inputs: Preprocessing of all streams; None leaves them, as in the paper.

    Shapes: appearance ``[M, Fa]``, motion ``[M, Fm]`` (M frames of all videos, the clip that covers each one), x
        ``[N, F]`` with frame ``[N]`` (sorted, numbered through the batch), num_frames ``[B]`` ->
        :class:`~stgraph.nn.VideoMemory`.

    Raises:
        OptionError: If there is no stream.
        DataError: If a stream with a width is missing.
        ShapeError: If a stream has another width.

    Reference: Tu et al., ACM MM 2017, the authors' released code.
    """

    def __init__(
        self,
        out_channels: Width,
        *,
        appearance_channels: OptionalWidth = 0,
        motion_channels: OptionalWidth = 0,
        object_channels: OptionalWidth = 0,
        inputs: InputFeatures | None = None,
    ) -> None:
        super().__init__()
        self.inputs = InputFeatures() if inputs is None else inputs
        self.widths = {"appearance": appearance_channels, "motion": motion_channels, "x": object_channels}
        if not any(self.widths.values()):
            raise OptionError("One of the streams must have a width above 0, got 0 for all three.")
        same = appearance_channels in (0, out_channels)
        self.appearance = nn.Identity() if same else Linear(appearance_channels, out_channels)
        self.motion = Linear(motion_channels, out_channels) if motion_channels else None
        self.objects = Linear(object_channels, out_channels) if object_channels else None

    @axes(num_frames="B", appearance="M Fa", motion="M Fm", x="N F", frame="N")
    def forward(
        self,
        num_frames: IndexTensor,
        *,
        appearance: FloatTensor | None = None,
        motion: FloatTensor | None = None,
        x: FloatTensor | None = None,
        frame: IndexTensor | None = None,
    ) -> VideoMemory:
        """Projects and pads; streams without a width are ignored."""
        mask = None
        frames = clips = regions = region_mask = None
        if self.widths["appearance"]:
            frames, mask = pad_frames(self.appearance(self._checked("appearance", appearance)), num_frames)
        if self.motion is not None:
            clips, mask = pad_frames(self.motion(self._checked("motion", motion)).tanh(), num_frames)
        if self.objects is not None:
            objects = self.objects(self._checked("x", x)).tanh()
            if frame is None:
                raise DataError("'frame' must be given with 'x', got None; pass graph.frame.")
            regions, region_mask = pad_regions(objects, frame, num_frames)
        if mask is None:
            mask = pad_frames(num_frames.new_zeros(total_frames(num_frames), 1), num_frames)[1]
        return VideoMemory(mask, frames, clips, regions, region_mask)

    def _checked(self, name: str, stream: Tensor | None) -> Tensor:
        if stream is None:
            raise DataError(f"This model needs '{name}', but these videos have none; extract them first.")
        check_shape(name, stream, "M F", F=self.widths[name])
        return self.inputs(stream)
