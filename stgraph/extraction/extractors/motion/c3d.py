"""C3D: one vector a clip, from its first fully connected layer."""

from __future__ import annotations

from torch import Tensor

from stgraph.extraction.extractors.motion.c3d_network import C3DNetwork
from stgraph.extraction.extractors.motion.clip import ClipExtractor, squash_and_crop
from stgraph.extraction.extractors.weights import load_network

__all__ = ["C3D"]


class C3D(ClipExtractor):
    """C3D as trained on Sports-1M.

    Frames are resized to 128 x 171, whatever their shape, and cut to 112 x 112 in the middle; blue comes first, and the mean
    colour of Sports-1M is subtracted. The authors subtract a mean clip, of which this is the mean over time and place.

    Args:
        weights: A file in the layout of the public PyTorch port (``c3d.pickle``), or "random"; no well-kept library has any.
            What lies behind fc6 in it is left.

    Shapes: a clip -> motion ``[4096]``, fc6 behind its ReLU.
    Raises: As :func:`~stgraph.extraction.extractors.weights.load_network`.
    Reference: Tran et al., ICCV 2015. Sizes: ``c3d_sport1m_feature_extractor_frm.prototxt`` in
        github.com/facebookarchive/C3D. Mean and order of colours: issue 1 of github.com/DavideA/c3d-pytorch, where the means
        of the authors' mean clip are 90.25, 97.66, 101.41 for blue, green, red, and the port's example is recognised with
        them.
    """

    mean = (90.25 / 255, 97.66 / 255, 101.41 / 255)  # blue, green, red
    std = (1 / 255,) * 3

    def __init__(self, weights: str = "default") -> None:
        super().__init__(*load_network(C3DNetwork, weights, optional=("fc7.", "fc8.")))

    def preprocess(self, pictures: Tensor) -> Tensor:
        """The middle of the clip, ``[3, 16, 112, 112]`` bytes, blue first."""
        return squash_and_crop(pictures.flip(3), (128, 171), 112)
