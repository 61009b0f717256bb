import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.nn import GateDropoutLSTMCell
from tests.nn.attention.videos import check_all_learn
from tests.reference.stat import lstm


def make(dropout=0.0):
    torch.manual_seed(0)
    x, h, c = (torch.randn(2, size).double() for size in (4, 3, 3))
    return GateDropoutLSTMCell(4, 3, dropout).double(), x, h, c


def cell_weights(cell):
    """(W, U, b) by gate; columns of the input come first, and gates are stacked in the order i, f, o, g."""
    inputs = cell.in_channels
    rows = zip(cell.gates.weight.detach().chunk(4), cell.gates.bias.detach().chunk(4), strict=True)
    return {name: (w[:, :inputs], w[:, inputs:], b) for name, (w, b) in zip("ifog", rows, strict=True)}


def test_equals_the_formula_unit_by_unit():
    cell, x, h, c = make()
    new_h, new_c = cell(x, (h, c))
    for p in range(2):
        expected = lstm(x[p], h[p], c[p], cell_weights(cell))
        torch.testing.assert_close((new_h[p].detach(), new_c[p].detach()), expected)
    check_all_learn(cell, new_h)


def test_dropout_opens_gates_half_and_leaves_the_candidate():
    cell, x, h, c = make(dropout=0.5)
    many = [value[:1].expand(4000, -1) for value in (x, h, c)]
    new_h, new_c = (value.detach() for value in cell(many[0], tuple(many[1:])))
    w, u, b = cell_weights(cell)["g"]
    candidate = torch.tanh(w @ x[0] + u @ h[0] + b)
    gate = {}
    for name in "ifo":
        w, u, b = cell_weights(cell)[name]
        a = w @ x[0] + u @ h[0] + b
        gate[name] = {
            0.0: torch.full((3,), 0.5).double(),
            2.0: torch.sigmoid(2 * a),
        }  # dropped, or divided by 1 - 0.5
    for unit in range(3):
        cells = {
            round(float(f[unit] * c[0, unit] + i[unit] * candidate[unit]), 9)
            for f in gate["f"].values()
            for i in gate["i"].values()
        }
        found, counts = new_c[:, unit].mul(1e9).round().unique(return_counts=True)
        assert {round(value / 1e9, 9) for value in found.tolist()} == cells
        assert counts.min() > 800  # a quarter of the cases each
        opened = (new_h[:, unit] / new_c[:, unit].tanh()).unique_consecutive()
        assert torch.isclose(opened[:, None], torch.stack([g[unit] for g in gate["o"].values()])).any(1).all()
    still = cell.eval()(x, (h, c))
    torch.testing.assert_close(still, cell(x, (h, c)))


def test_wrong_input_is_named():
    cell, x, h, c = make()
    with pytest.raises(ShapeError, match=r"'x' must be \[P, D=4\], got \[2, 3\]"):
        cell(x[:, :3], (h, c))
