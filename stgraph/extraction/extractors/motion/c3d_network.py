"""C3D up to its first fully connected layer."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from stgraph.extraction.extractors.motion.clip import initialize

__all__ = ["C3DNetwork"]

_GROUPS = (
    ("1",),
    ("2",),
    ("3a", "3b"),
    ("4a", "4b"),
    ("5a", "5b"),
)  # of convolutions, each followed by a pool
_WIDTHS = (64, 128, 256, 512, 512)


class C3DNetwork(nn.Sequential):
    """The layers of C3D up to fc6 and its ReLU, named as in the public PyTorch port of the Sports-1M weights.

    The last pool rounds up from 7 x 7 to 4 x 4 by extending past the right and lower edges only, as Caffe does, in which
    the weights were trained. Ports that pad on both sides pool other cells and give different features.

    Shapes: ``[B, 3, 16, 112, 112]`` -> ``[B, 4096]``.
    Reference: Tran et al., ICCV 2015, Figure 3; ``c3d_sport1m_feature_extractor_frm.prototxt`` in
        github.com/facebookarchive/C3D, which pads no pool; issue 15 of github.com/chuckcho/c3d-keras, where padding on both
        sides turns out to be why a port differs from Caffe; names of github.com/DavideA/c3d-pytorch.
    """

    def __init__(self) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 3
        for number, (group, width) in enumerate(zip(_GROUPS, _WIDTHS, strict=True), start=1):
            for name in group:
                layers[f"conv{name}"] = nn.Conv3d(channels, width, 3, padding=1)
                layers[f"relu{name}"] = nn.ReLU(inplace=True)
                channels = width
            pool = (1, 2, 2) if number == 1 else (2, 2, 2)
            layers[f"pool{number}"] = nn.MaxPool3d(pool, pool, ceil_mode=True)
        layers["flatten"] = nn.Flatten()
        layers["fc6"] = nn.Linear(512 * 4 * 4, 4096)
        layers["relu6"] = nn.ReLU(inplace=True)
        super().__init__(layers)
        initialize(self)
