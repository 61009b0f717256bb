import torch
from torch import nn

from stgraph.extraction.extractors.motion.c3d_network import C3DNetwork

# Tran et al. (ICCV 2015), Figure 3, with the names of the public PyTorch port.
WIDTHS = {
    "conv1": (64, 3),
    "conv2": (128, 64),
    "conv3a": (256, 128),
    "conv3b": (256, 256),
    "conv4a": (512, 256),
    "conv4b": (512, 512),
    "conv5a": (512, 512),
    "conv5b": (512, 512),
}
LAYOUT = {f"{name}.weight": (*widths, 3, 3, 3) for name, widths in WIDTHS.items()}
LAYOUT |= {f"{name}.bias": widths[:1] for name, widths in WIDTHS.items()}
LAYOUT |= {"fc6.weight": (4096, 8192), "fc6.bias": (4096,)}


def test_names_and_shapes_are_those_of_the_public_port():
    with torch.device("meta"):
        own = {name: tuple(value.shape) for name, value in C3DNetwork().state_dict().items()}
    assert own == LAYOUT


def test_only_the_last_pool_has_an_odd_length_and_looks_past_the_far_edge():
    """Caffe rounds up and pools cells 0-1, 2-3, 4-5 and 6 of 7; padding on both sides would pool 1-2, 3-4, 5-6."""
    with torch.device("meta"):
        network = C3DNetwork()
    pools = [layer for layer in network if isinstance(layer, nn.MaxPool3d)]
    assert len(pools) == 5
    x = torch.arange(112.0).view(1, 1, 1, 1, 112).expand(1, 1, 16, 112, 112)
    shapes = []
    for pool in pools:
        before, x = x, pool(x)
        shapes.append(tuple(x.shape[2:]))
    assert shapes == [(16, 56, 56), (8, 28, 28), (4, 14, 14), (2, 7, 7), (1, 4, 4)]
    assert before[0, 0, 0, 0].tolist() == [15, 31, 47, 63, 79, 95, 111]  # the largest of 16 columns each
    assert x[0, 0, 0, 0].tolist() == [31, 63, 95, 111]


def test_each_convolution_has_its_relu_and_the_order_is_the_papers():
    with torch.device("meta"):
        names = [name for name, _ in C3DNetwork().named_children()]
    assert " ".join(names) == (
        "conv1 relu1 pool1 conv2 relu2 pool2 conv3a relu3a conv3b relu3b pool3 conv4a relu4a conv4b relu4b pool4 "
        "conv5a relu5a conv5b relu5b pool5 flatten fc6 relu6"
    )
