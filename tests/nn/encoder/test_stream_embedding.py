import pytest
import torch

from stgraph.errors import OptionError, ShapeError
from stgraph.nn import StreamEmbedding


def make():
    torch.manual_seed(0)
    return StreamEmbedding((2, 3), 4), [torch.randn(5, 6, 2), torch.randn(5, 6, 3)]


def test_each_stream_has_its_own_part_of_every_place():
    layer, streams = make()
    out = layer(streams)
    assert layer.out_channels == out.size(-1) == 8
    for number, (part, stream) in enumerate(zip(layer.parts, streams, strict=True)):
        expected = part.weight @ stream[1, 2] + part.bias
        torch.testing.assert_close(out[1, 2, 4 * number : 4 * number + 4], expected)


def test_wrong_input_is_named():
    layer, streams = make()
    with pytest.raises(OptionError, match="'streams' must be 2 for this model, got 1"):
        layer(streams[:1])
    with pytest.raises(ShapeError, match=r"'streams\[1\]' must be \[5, 6, 3\], got \[5, 5, 3\]"):
        layer([streams[0], streams[1][:, :5]])
    with pytest.raises(OptionError, match="'in_channels' must be widths of at least one stream, got \\[\\]"):
        StreamEmbedding(())
