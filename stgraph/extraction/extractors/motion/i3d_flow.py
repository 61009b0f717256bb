"""I3D on optical flow, which RAFT measures between each two frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models import optical_flow

from stgraph.errors import OptionError
from stgraph.extraction.extractors.motion.clip import ClipExtractor
from stgraph.extraction.extractors.motion.i3d import describe_cells, streams_of
from stgraph.extraction.extractors.motion.i3d_network import I3DNetwork
from stgraph.extraction.extractors.protocol import ItemFeatures
from stgraph.extraction.extractors.weights import hash_of, load_network

__all__ = ["I3DFlow"]

_FLOW = {
    "raft_large": (optical_flow.raft_large, optical_flow.Raft_Large_Weights),
    "raft_small": (optical_flow.raft_small, optical_flow.Raft_Small_Weights),
}
_REACH = 20.0  # pixels


class I3DFlow(ClipExtractor):
    """The flow stream of I3D.

    Frames are resized and cut as for :class:`~stgraph.extraction.extractors.motion.i3d.I3D`. Their 15 flows, cut to -20..20
    pixels and scaled to -1..1, become 16 by repeating the last. The public weights were trained on flow by TV-L1, not RAFT.

    Args:
        weights: A file such as ``flow_imagenet.pt``, or "random"; no well-kept library has any. A classifier in it is left.
        flow: "raft_large" or "raft_small".
        flow_weights: Of RAFT, as in :func:`~stgraph.extraction.extractors.weights.load_network`.
        grid: True also gives the cells of Mixed_5c, its two time steps joined, as stream ``grid/i3d_flow``.
        pooled: False leaves the stream "motion" out.

    Shapes: a clip -> motion ``[1024]``, grid ``[49, 2048]``.
    Raises: OptionError: No such ``flow``, or neither stream is wanted, or as ``load_network``.
    Reference: Carreira and Zisserman, CVPR 2017; Teed and Deng, ECCV 2020.
    """

    mean = std = (0.5, 0.5, 0.5)  # RAFT's too

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
        self.i3d, _ = load_network(lambda: I3DNetwork(in_channels=2), weights, optional=("logits.",))
        self.raft, _ = load_network(build, flow_weights, published)
        both = nn.ModuleDict({"flow": self.raft, "i3d": self.i3d})
        super().__init__(both, hash_of(both.state_dict()))

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Vector, and cells, of each clip."""
        # One clip at a time: its 15 pairs fill a device, and RAFT compares all pixels of a pair with each other.
        flows = torch.stack([self._flow(clip) for clip in self.batch(items)])
        with self.autocast():
            cells = self.i3d(flows)
        return describe_cells(cells, self.streams)

    def _flow(self, clip: Tensor) -> Tensor:
        """Colours ``[3, 16, H, W]`` -> flow x, y ``[2, 16, H, W]`` in -1..1.

        In full precision everywhere, as it adds up small steps.
        """
        frames = clip.transpose(0, 1)
        flow = self.raft(frames[:-1], frames[1:])[-1]
        flow = torch.cat([flow, flow[-1:]])
        return flow.clamp(-_REACH, _REACH).transpose(0, 1) / _REACH
