"""I3D on optical flow, which RAFT estimates between consecutive frames."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torchvision.models import optical_flow

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.extraction.extractors.motion.clip import ClipExtractor
from stgraph.extraction.extractors.motion.i3d import features_from_cells, streams_of
from stgraph.extraction.extractors.motion.i3d_network import I3DNetwork
from stgraph.extraction.extractors.protocol import ItemFeatures
from stgraph.extraction.extractors.weights import hash_of, load_network

__all__ = ["I3DFlow"]

_FLOW = {
    "raft_large": (optical_flow.raft_large, optical_flow.Raft_Large_Weights),
    "raft_small": (optical_flow.raft_small, optical_flow.Raft_Small_Weights),
}
_MAX_FLOW = 20.0  # pixels


@checked
class I3DFlow(ClipExtractor):
    """The flow stream of I3D.

    Frames are resized and cropped as for :class:`~stgraph.extraction.extractors.motion.i3d.I3D`. Their 15 flow fields,
    clamped to -20..20 pixels and scaled to -1..1, become 16 by repeating the last. Note that the public weights were
    trained on TV-L1 flow, not RAFT.

    Args:
        weights: A file such as ``flow_imagenet.pt``, or "random"; no maintained library publishes any. A classifier in
            it is ignored.
        flow: "raft_large" or "raft_small".
        flow_weights: Weights of RAFT, see :func:`~stgraph.extraction.extractors.load_network`.
        grid: Whether to extract the cells of Mixed_5c, with both time steps concatenated, as the stream
            ``grid/i3d_flow``.
        pooled: Whether to extract the stream "motion".

    Shapes: a clip -> motion ``[1024]``, grid ``[49, 2048]``.

    Raises:
        OptionError: If ``flow`` is unknown, both streams are turned off, or ``weights`` is "default".
        MissingDataError: If a file doesn't exist or a download fails.
        DataError: If a file doesn't fit its network.

    Reference: Carreira and Zisserman, CVPR 2017; Teed and Deng, ECCV 2020.
    """

    mean = std = (0.5, 0.5, 0.5)  # the same for RAFT

    def __init__(
        self,
        weights: str = "default",
        flow: str = "raft_large",
        flow_weights: str = "default",
        grid: bool = False,
        pooled: bool = True,
    ) -> None:
        if flow not in _FLOW:
            raise OptionError(f"'flow' must be one of {', '.join(_FLOW)}, got {flow!r}.")
        self.streams = streams_of("grid/i3d_flow", grid, pooled)
        build, published = _FLOW[flow]
        self.i3d, _ = load_network(partial(I3DNetwork, in_channels=2), weights, optional=("logits.",))
        self.raft, _ = load_network(build, flow_weights, published)
        both = nn.ModuleDict({"flow": self.raft, "i3d": self.i3d})
        super().__init__(both, hash_of(both.state_dict()))

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Returns the vector and the cells of each clip, as far as requested."""
        # One clip at a time: RAFT correlates all pixels of a frame pair, so 15 pairs fill the device already.
        flows = torch.stack([self._flow(clip) for clip in self.batch(items)])
        with self.autocast():
            cells = self.i3d(flows)
        return features_from_cells(cells, self.streams)

    def _flow(self, clip: Tensor) -> Tensor:
        """Estimates the flow of a clip: RGB ``[3, 16, H, W]`` -> x and y ``[2, 16, H, W]`` in -1..1.

        Runs in full precision on every device, as RAFT accumulates small updates.
        """
        frames = clip.transpose(0, 1)
        flow = self.raft(frames[:-1], frames[1:])[-1]
        flow = torch.cat([flow, flow[-1:]])
        return flow.clamp(-_MAX_FLOW, _MAX_FLOW).transpose(0, 1) / _MAX_FLOW
