import pytest
import torch

from stgraph.extraction.extractors.motion.i3d_network import ConvUnit, I3DNetwork, SameMaxPool
from tests.reference import i3d as reference

SIZES = [(4, 5, 6), (5, 7, 8), (3, 4, 9)]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = I3DNetwork().eval()
    for name, buffer in network.named_buffers():  # other than 0 and 1, so that a wrong formula shows
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return network


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("kernel", "stride"),
    [((1, 3, 3), (1, 2, 2)), ((3, 3, 3), (2, 2, 2)), ((3, 3, 3), (1, 1, 1)), ((2, 2, 2), (2, 2, 2))],
)
def test_pools_pad_as_tensorflow_does(size, kernel, stride):
    x = torch.randn(2, *size) - 3  # below 0: a padded zero would win
    expected = reference.slow_max_pool(x, kernel, stride)
    assert torch.equal(SameMaxPool(kernel, stride)(x[None])[0], expected)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 1), (1, 1)])
def test_convolutions_pad_as_tensorflow_does(size, kernel, stride):
    torch.manual_seed(1)
    unit = ConvUnit(2, 3, kernel, stride).double().eval()
    x = torch.randn(2, *size, dtype=torch.float64)
    expected = reference.slow_conv(x, unit.conv3d.weight.detach(), (stride,) * 3) / (1 + 1e-3) ** 0.5
    torch.testing.assert_close(unit(x[None])[0].detach(), expected.clamp(min=0))


@pytest.mark.parametrize("in_channels", [3, 2])
def test_names_and_shapes_are_those_of_the_public_files(in_channels):
    own = {name: tuple(value.shape) for name, value in I3DNetwork(in_channels).state_dict().items()}
    own = {name: shape for name, shape in own.items() if not name.endswith("num_batches_tracked")}
    assert own == reference.layout(in_channels)
    assert len(own) == 5 * 57  # 57 convolutions before the classifier


@pytest.mark.parametrize("size", [(16, 32, 32), (9, 40, 33)])
def test_the_whole_network_equals_the_published_table_written_down(network, size):
    x = torch.randn(1, 3, *size).clamp(-1, 1)
    with torch.no_grad():
        expected = reference.cells(network.state_dict(), x)
        torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.1
