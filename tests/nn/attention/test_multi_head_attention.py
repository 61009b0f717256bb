import pytest
import torch

from stgraph.errors import OptionError
from stgraph.nn import MultiHeadAttention
from tests.reference.gcn import attention


@pytest.mark.parametrize("kind", ["plain", "masked", "causal"])
def test_equals_the_formula_head_by_head(kind):
    torch.manual_seed(0)
    layer = MultiHeadAttention(8, 2).double().eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(1, 4, 8, dtype=torch.float64)
    mask = torch.tensor([[True, False, True, True]]) if kind == "masked" else None
    visible = [
        [(s <= l if kind == "causal" else mask is None or mask[0, s]) for s in range(4)] for l in range(4)
    ]
    keys, values = layer.key_value(x)[0].chunk(2, dim=1)
    query = layer.query(x)[0]
    heads = [attention(query[:, h], keys[:, h], values[:, h], visible) for h in (slice(0, 4), slice(4, 8))]
    expected = layer.out(torch.cat(heads, dim=1))
    torch.testing.assert_close(layer(x, layer.keys_values(x), mask, causal=kind == "causal")[0], expected)


def test_heads_must_divide_channels():
    with pytest.raises(OptionError, match="multiple of 'num_heads', got 10 and 4"):
        MultiHeadAttention(10, 4)
