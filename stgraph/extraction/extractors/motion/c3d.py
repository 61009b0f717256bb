"""C3D: one vector per clip, from its first fully connected layer."""

from __future__ import annotations

from torch import Tensor

from stgraph.checking import checked
from stgraph.extraction.extractors.motion.c3d_network import C3DNetwork
from stgraph.extraction.extractors.motion.clip import ClipExtractor, stretch_and_crop
from stgraph.extraction.extractors.weights import load_network

__all__ = ["C3D"]


@checked
class C3D(ClipExtractor):
    """C3D as trained on Sports-1M.

    Frames are resized to 128 x 171 regardless of their aspect ratio and centre-cropped to 112 x 112; channels are in the
    order blue, green, red, and the mean colour of Sports-1M is subtracted. The authors subtract a mean clip; the mean
    colour is its average over time and position.

    Args:
        weights: A file in the layout of the public PyTorch port (``c3d.pickle``), or "random"; no maintained library
            publishes any. Layers after fc6 in it are ignored.

    Shapes: a clip -> motion ``[4096]``, fc6 after its ReLU.

    Raises:
        OptionError: If ``weights`` is "default".
        MissingDataError: If the file doesn't exist.
        DataError: If the file doesn't fit the network.

    Reference: Tran et al., ICCV 2015. Sizes: ``c3d_sport1m_feature_extractor_frm.prototxt`` in
        github.com/facebookarchive/C3D. Mean and channel order: issue 1 of github.com/DavideA/c3d-pytorch, according to
        which the authors' mean clip averages 90.25, 97.66, 101.41 for blue, green, red; the port recognises its example
        with them.
    """

    item_axes = "3 16 112 112"
    mean = (90.25 / 255, 97.66 / 255, 101.41 / 255)  # blue, green, red
    std = (1 / 255,) * 3

    def __init__(self, weights: str = "default") -> None:
        super().__init__(*load_network(C3DNetwork, weights, optional=("fc7.", "fc8.")))

    def reduce_frame(self, frame: Tensor) -> Tensor:
        """Centre crop of the frame, ``[3, 112, 112]`` uint8, channels in the order blue, green, red."""
        return stretch_and_crop(frame, (128, 171), 112).flip(0)
